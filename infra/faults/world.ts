import { join } from 'node:path'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { CALLED_SERVICES, type CalledService, ensureIdentityKeys } from '../identity-keys.ts'
import { freePort } from '../local/ports.ts'
import type { SignerFiles } from '../signing-key.ts'
import { type ServiceProcess, serviceProcess } from '../test-support/service-process.ts'
import type { BrokenBuild } from './broken/builds.ts'
import { asOwner, type DatabaseServer, startServer } from './server.ts'

/** The services as processes over a PostgreSQL of their own: whatever of it is killed, nobody else notices. */
export interface World {
  server: DatabaseServer
  /** Replicas of mcp-audit, which share the signer's files. */
  audits: ServiceProcess[]
  lineage: ServiceProcess
  /** In front of the first replica; null where the load goes to the services themselves. */
  gateway: ServiceProcess | null
  /** Where the world has a gate. */
  policy: ServiceProcess | null
  signer: SignerFiles
  /** The key that signs checkpoints, as an outsider pins it. */
  verifierKey: string
  /** Where a load finds `/log` and `/register`. */
  auditUrls: string[]
  lineageUrl: string
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Holds all data and logs; whoever made it removes it. */
  folder: string
  replicas?: number
  throughGateway?: boolean
  /** With mcp-policy, and keys by which the services know the gateway: it decides and records. */
  hasGate?: boolean
  /** The database to use instead of one of its own, which ends with the world. */
  server?: DatabaseServer
  /** Breaks mcp-audit or the database on purpose. */
  build?: BrokenBuild | undefined
}

/** Starts everything and resolves when it answers. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { folder, replicas = 1, hasGate = false, build } = options
  const throughGateway = options.throughGateway || hasGate
  const server = options.server ?? (await startServer(folder))
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey({ ...signer, origin: 'faults.example/audit' })
  const service = serviceMaker(folder)
  const identity = hasGate ? makeIdentity(folder) : null
  const auditVariables = {
    DATABASE_URL: server.auditUrl,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    ...identity?.of('mcp-audit'),
  }
  const nodeArgs = build?.patch === undefined ? [] : [`--import=${build.patch}`]
  const audits: ServiceProcess[] = []
  for (let n = 1; n <= replicas; n++) {
    audits.push(await service('mcp-audit', auditVariables, nodeArgs, `mcp-audit-${n}`))
  }
  const lineage = await service('mcp-lineage', {
    DATABASE_URL: server.lineageUrl,
    ...identity?.of('mcp-lineage'),
  })
  const policiesDir = join(import.meta.dirname, '../../policies')
  const policy =
    identity &&
    (await service('mcp-policy', { POLICIES_DIR: policiesDir, ...identity.of('mcp-policy') }))
  const gatewayVariables = {
    MCP_DIRECTORY: JSON.stringify({
      'mcp-audit': audits[0]?.url,
      'mcp-lineage': lineage.url,
      ...(policy && { 'mcp-policy': policy.url }),
    }),
    ...(identity && { IDENTITY_SECRET_PATH: identity.secretFile }),
  }
  const gateway = throughGateway ? await service('mcp-gateway', gatewayVariables, nodeArgs) : null
  const all = [...audits, lineage, ...(gateway ? [gateway] : []), ...(policy ? [policy] : [])]
  const stop = async () => {
    await Promise.all(all.map((one) => one.end('SIGTERM')))
    await server.stop()
  }
  try {
    const { sql } = build ?? {}
    if (sql !== undefined) await asOwner(server.ownerUrl, (owner) => owner.query(sql))
    await Promise.all(all.map((one) => one.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const behind = (name: string) => `${gateway?.url}/${name}`
  return {
    server,
    audits,
    lineage,
    gateway,
    policy,
    signer,
    verifierKey,
    auditUrls: gateway ? [behind('mcp-audit')] : audits.map(({ url }) => url),
    lineageUrl: gateway ? behind('mcp-lineage') : lineage.url,
    stop,
  }
}

/** Makes services that are not started yet, with their logs in a folder. */
function serviceMaker(folder: string) {
  return async (
    name: string,
    env: Record<string, string>,
    nodeArgs?: readonly string[],
    log = name,
  ): Promise<ServiceProcess> => {
    const logFile = join(folder, `${log}.log`)
    return serviceProcess({ name, port: await freePort(), env, logFile, nodeArgs })
  }
}

/** The secret of a stack, and what each service is told of it: it takes calls of the gateway and no others. */
function makeIdentity(folder: string) {
  const secretFile = join(folder, 'identity-secret')
  const fileOf = (name: CalledService) => join(folder, `${name}-identity-key`)
  const keys = Object.fromEntries(CALLED_SERVICES.map((name) => [name, [fileOf(name)]]))
  ensureIdentityKeys({ secretFile, keys }, 0o600)
  return { secretFile, of: (name: CalledService) => ({ IDENTITY_KEY_PATH: fileOf(name) }) }
}
