import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
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
  stop(): Promise<void>
}

/** The real services as real processes over a given database, on free ports. */
export async function startStack(database: {
  auditUrl: string
  lineageUrl: string
}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-stack-'))
  const prepare = async (name: string, env: Record<string, string>, as = name) =>
    serviceProcess({ name, port: await freePort(), env, logFile: join(folder, `${as}.log`) })
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey(signer)
  const auditVariables = {
    DATABASE_URL: database.auditUrl,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
  }
  const audit = await prepare('mcp-audit', auditVariables)
  const otherAudit = await prepare('mcp-audit', auditVariables, 'other-audit')
  const lineage = await prepare('mcp-lineage', { DATABASE_URL: database.lineageUrl })
  const policy = await prepare('mcp-policy', { POLICIES_DIR: join(root, 'policies') })
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
  return { gateway, lineage, policy, audit, otherAudit, verifierKey, stop }
}
