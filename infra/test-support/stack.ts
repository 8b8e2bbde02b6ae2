import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { ensureIdentityKeys, POLICY_TO_AUDIT } from '../identity-keys.ts'
import { freePort } from '../local/ports.ts'
import { type ServiceProcess, serviceProcess } from './service-process.ts'

const root = join(import.meta.dirname, '..', '..')

export interface Stack {
  gateway: ServiceProcess
  lineage: ServiceProcess
  policy: ServiceProcess
  audit: ServiceProcess
  /** A second mcp-audit over the same database and with the same signer, reached directly. */
  otherAudit: ServiceProcess
  /** The key that signs its checkpoints, as outsiders pin it. */
  verifierKey: string
  /** The key of mcp-policy's calls to mcp-audit. */
  identityKey: Buffer
  stop(): Promise<void>
}

/**
 * The real services as real processes over a given database, on free ports; `records` has mcp-policy put on the log
 * which policies are in force; `policies` is the folder that it reads.
 */
export async function startStack(
  database: { auditUrl: string; lineageUrl: string },
  { records = false, policies = join(root, 'policies') } = {},
): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-stack-'))
  const prepare = async (name: string, env: Record<string, string>, as = name) =>
    serviceProcess({ name, port: await freePort(), env, logFile: join(folder, `${as}.log`) })
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey(signer)
  const identityFile = join(folder, 'identity-key')
  ensureIdentityKeys(
    { secretFile: join(folder, 'identity-secret'), keys: { [POLICY_TO_AUDIT]: [identityFile] } },
    0o600,
  )
  const auditVariables = {
    DATABASE_URL: database.auditUrl,
    POLICY_IDENTITY_KEY_PATH: identityFile,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
  }
  const audit = await prepare('mcp-audit', auditVariables)
  const otherAudit = await prepare('mcp-audit', auditVariables, 'other-audit')
  const lineage = await prepare('mcp-lineage', { DATABASE_URL: database.lineageUrl })
  const policy = await prepare('mcp-policy', {
    POLICIES_DIR: policies,
    ...(records && { AUDIT_URL: audit.url, AUDIT_IDENTITY_KEY_PATH: identityFile }),
  })
  const gateway = await prepare('mcp-gateway', {
    MCP_DIRECTORY: JSON.stringify({
      'mcp-lineage': lineage.url,
      'mcp-policy': policy.url,
      'mcp-audit': audit.url,
    }),
  })
  const all = [gateway, lineage, policy, audit, otherAudit]
  const stop = async () => {
    await Promise.all(all.map((one) => one.end('SIGTERM')))
    rmSync(folder, { recursive: true })
  }
  try {
    await Promise.all(all.map((one) => one.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const identityKey = Buffer.from(readFileSync(identityFile, 'utf8'), 'base64url')
  return { gateway, lineage, policy, audit, otherAudit, verifierKey, identityKey, stop }
}
