import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readIdentityKey } from '@ai-governance/common/callers/identity'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import type { CalledService } from '../identity-keys.ts'
import { type IdentityPlaces, makeIdentityKeys } from '../local/data-folder.ts'
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
  /** The key under which the gateway signs its calls to a service. */
  identityKeys: Readonly<Record<CalledService, Buffer>>
  stop(): Promise<void>
}

export interface StackOptions {
  records?: boolean
  signed?: boolean
  policies?: string
  /** What the gateway is told besides, such as AUTH_MODE. */
  gatewayEnv?: Record<string, string>
  /** The same of mcp-policy, such as GATE_SLA_MS. */
  policyEnv?: Record<string, string>
}

/**
 * The real services as real processes over a given database, on free ports; `records` has mcp-policy put on the log
 * which policies are in force; `policies` is the folder that it reads. The gateway signs its calls; with `signed`
 * services take no others, as in compose, and without as with `npm start` and AUTH_MODE=none.
 */
export async function startStack(
  database: { auditUrl: string; lineageUrl: string },
  {
    records = false,
    signed = false,
    policies = join(root, 'policies'),
    gatewayEnv = {},
    policyEnv = {},
  }: StackOptions = {},
): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-stack-'))
  const prepare = async (name: string, env: Record<string, string>, as = name) =>
    serviceProcess({
      ...{ name, env, logFile: join(folder, `${as}.log`) },
      port: await freePort(),
      metricsPort: await freePort(),
    })
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey(signer)
  const identity = makeIdentityKeys(folder)
  const identityOf = (name: CalledService) => ({
    IDENTITY_KEY_PATH: identity.keyFiles[name],
    IDENTITY_REQUIRED: String(signed),
  })
  const auditVariables = {
    DATABASE_URL: database.auditUrl,
    ...identityOf('mcp-audit'),
    POLICY_IDENTITY_KEY_PATH: identity.policyToAudit,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
  }
  const audit = await prepare('mcp-audit', auditVariables)
  const otherAudit = await prepare('mcp-audit', auditVariables, 'other-audit')
  const lineage = await prepare('mcp-lineage', {
    ...identityOf('mcp-lineage'),
    DATABASE_URL: database.lineageUrl,
  })
  const policy = await prepare('mcp-policy', {
    ...identityOf('mcp-policy'),
    POLICIES_DIR: policies,
    ...(records && { AUDIT_URL: audit.url, AUDIT_IDENTITY_KEY_PATH: identity.policyToAudit }),
    ...policyEnv,
  })
  const gateway = await prepare('mcp-gateway', {
    MCP_DIRECTORY: JSON.stringify({
      'mcp-lineage': lineage.url,
      'mcp-policy': policy.url,
      'mcp-audit': audit.url,
    }),
    IDENTITY_SECRET_PATH: identity.secretFile,
    ...gatewayEnv,
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
  return { gateway, lineage, policy, audit, otherAudit, verifierKey, ...keysIn(identity), stop }
}

function keysIn(places: IdentityPlaces): Pick<Stack, 'identityKey' | 'identityKeys'> {
  const keyOf = (name: CalledService) => readIdentityKey(places.keyFiles[name], 'IDENTITY_KEY_PATH')
  return {
    identityKey: readIdentityKey(places.policyToAudit, 'AUDIT_IDENTITY_KEY_PATH'),
    identityKeys: {
      'mcp-lineage': keyOf('mcp-lineage'),
      'mcp-policy': keyOf('mcp-policy'),
      'mcp-audit': keyOf('mcp-audit'),
    },
  }
}
