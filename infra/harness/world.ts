import { join } from 'node:path'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
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
  /** Breaks mcp-audit or the database on purpose. */
  build?: BrokenBuild | undefined
}

/** Starts everything and resolves when it answers. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { folder, replicas = 1, throughGateway = false, build } = options
  const server = await startServer(folder)
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey({ ...signer, origin: 'harness.example/audit' })
  const service = async (
    name: string,
    env: Record<string, string>,
    nodeArgs?: readonly string[],
    log = name,
  ) =>
    serviceProcess({
      name,
      port: await freePort(),
      env,
      logFile: join(folder, `${log}.log`),
      nodeArgs,
    })
  const auditVariables = {
    DATABASE_URL: server.auditUrl,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
  }
  const nodeArgs = build?.patch === undefined ? [] : [`--import=${build.patch}`]
  const audits: ServiceProcess[] = []
  for (let n = 1; n <= replicas; n++) {
    audits.push(await service('mcp-audit', auditVariables, nodeArgs, `mcp-audit-${n}`))
  }
  const lineage = await service('mcp-lineage', { DATABASE_URL: server.lineageUrl })
  const directory = { 'mcp-audit': audits[0]?.url, 'mcp-lineage': lineage.url }
  const gateway = throughGateway
    ? await service('mcp-gateway', { MCP_DIRECTORY: JSON.stringify(directory) })
    : null
  const all = [...audits, lineage, ...(gateway ? [gateway] : [])]
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
    signer,
    verifierKey,
    auditUrls: gateway ? [behind('mcp-audit')] : audits.map(({ url }) => url),
    lineageUrl: gateway ? behind('mcp-lineage') : lineage.url,
    stop,
  }
}
