import { join } from 'node:path'
import { makeAuditKey } from '../../clients/typescript/src/audit-key.ts'
import { CALLED_SERVICES, type CalledService, ensureIdentityKeys } from '../identity-keys.ts'
import { freePort } from '../local/ports.ts'
import type { SignerFiles } from '../signing-key.ts'
import { GrowingLog } from '../test-support/check-log.ts'
import { REPLICA_ADDRESSES, RESOLVING } from '../test-support/replica-addresses.ts'
import { type ServiceProcess, serviceProcess } from '../test-support/service-process.ts'
import type { BrokenBuild } from './broken/builds.ts'
import type { Subject } from './campaign.ts'
import { faultOf, readFacts } from './facts.ts'
import type { Targets } from './load/load.ts'
import { asOwner, type DatabaseServer, startServer } from './server.ts'

/** The services as processes over a PostgreSQL of their own: whatever of it is killed, nobody else notices. */
export interface World extends Subject {
  server: DatabaseServer
  /** Replicas of mcp-audit, which share the signer's files. */
  audits: ServiceProcess[]
  lineage: ServiceProcess
  /** In front of all replicas; none where the load goes to the services themselves. */
  gateways: ServiceProcess[]
  /** The first of them. */
  gateway: ServiceProcess | null
  /** Where the world has a gate. */
  policy: ServiceProcess | null
  signer: SignerFiles
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Holds all data and logs; whoever made it removes it. */
  folder: string
  /** How many mcp-audit there are, and where there is a gateway, how many of it: one or two. */
  replicas?: number
  gateways?: number
  throughGateway?: boolean
  /** With mcp-policy, and keys by which the services know the gateway: it decides and records. */
  hasGate?: boolean
  /** The database to use instead of one of its own, which ends with the world. */
  server?: DatabaseServer
  /** Where the data of its own go; left out, below `folder`. */
  dataDir?: string
  /** Breaks mcp-audit or the database on purpose. */
  build?: BrokenBuild | undefined
}

/** Starts everything and resolves when it answers. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { folder, build } = options
  const server = options.server ?? (await startServer(folder, options.dataDir))
  const signer = { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
  const { verifierKey } = await makeAuditKey({ ...signer, origin: 'faults.example/audit' })
  const { audits, lineage, policy, gateways } = await makeServices(options, server, signer)
  const all = [...audits, lineage, ...gateways, ...(policy ? [policy] : [])]
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
  const behind = (path: string) => gateways.map(({ url }) => `${url}/${path}`)
  const targets: Targets = {
    audit: gateways.length > 0 ? behind('mcp-audit') : audits.map(({ url }) => url),
    lineage: gateways.length > 0 ? behind('mcp-lineage') : [lineage.url],
    gate: policy ? gateways.map(({ url }) => url) : [],
  }
  const gateway = gateways[0] ?? null
  const parts = { server, audits, lineage, gateways, gateway, policy }
  const log = new GrowingLog(server.ownerUrl)
  return {
    ...{ ...parts, signer, verifierKey, targets, stop },
    auditUrls: () => (audits.length > 1 ? targets.audit : audits.map(({ url }) => url)),
    isFronted: false,
    chainFault: () => faultOf(() => log.check()),
    readFacts: () => readFacts(server.ownerUrl),
  }
}

/** Every service, none of them started yet. */
async function makeServices(
  { folder, replicas = 1, gateways = 1, hasGate = false, throughGateway, build }: WorldOptions,
  server: DatabaseServer,
  signer: SignerFiles,
) {
  const identity = hasGate ? makeIdentity(folder) : null
  const auditVariables = {
    DATABASE_URL: server.auditUrl,
    AUDIT_SIGNING_KEY_PATH: signer.keyFile,
    AUDIT_SIGNER_STATE_PATH: signer.stateFile,
    ...identity?.of('mcp-audit'),
  }
  const nodeArgs = build?.patch === undefined ? [] : [`--import=${build.patch}`]
  const hasGateway = throughGateway || hasGate
  const port = await freePort()
  const audits: ServiceProcess[] = []
  for (let n = 0; n < replicas; n++) {
    // Behind a gateway they have one name, and so one port. Asked themselves they have to be 127.0.0.1, the name that
    // they go by, each on a port of its own.
    const place = hasGateway ? { HOST: REPLICA_ADDRESSES[n] as string } : {}
    audits.push(
      serviceProcess({
        ...{ name: 'mcp-audit', env: { ...auditVariables, ...place }, nodeArgs },
        port: hasGateway || n === 0 ? port : await freePort(),
        logFile: join(folder, `mcp-audit-${n + 1}.log`),
      }),
    )
  }
  const service = serviceMaker(folder)
  const lineage = await service('mcp-lineage', {
    DATABASE_URL: server.lineageUrl,
    ...identity?.of('mcp-lineage'),
  })
  const POLICIES_DIR = join(import.meta.dirname, '../../policies')
  const policy =
    identity && (await service('mcp-policy', { POLICIES_DIR, ...identity.of('mcp-policy') }))
  const directory = {
    'mcp-audit': replicas > 1 ? `http://mcp-audit:${port}` : audits[0]?.url,
    'mcp-lineage': lineage.url,
    ...(policy && { 'mcp-policy': policy.url }),
  }
  const gatewayVariables = {
    ...RESOLVING.env,
    MCP_DIRECTORY: JSON.stringify(directory),
    ...(identity && { IDENTITY_SECRET_PATH: identity.secretFile }),
  }
  const gatewayArgs = [...RESOLVING.nodeArgs, ...nodeArgs]
  const found: ServiceProcess[] = []
  for (let n = 1; hasGateway && n <= gateways; n++) {
    found.push(await service('mcp-gateway', gatewayVariables, gatewayArgs, `mcp-gateway-${n}`))
  }
  return { audits, lineage, policy, gateways: found }
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

/**
 * The secret of a stack, and what each service is told of it: it knows the gateway, and on loopback takes other calls
 * too, as with `npm start`, because who watches a run asks each replica itself.
 */
function makeIdentity(folder: string) {
  const secretFile = join(folder, 'identity-secret')
  const fileOf = (name: CalledService) => join(folder, `${name}-identity-key`)
  const keys = Object.fromEntries(CALLED_SERVICES.map((name) => [name, [fileOf(name)]]))
  ensureIdentityKeys({ secretFile, keys }, 0o600)
  const of = (name: CalledService) => ({
    IDENTITY_KEY_PATH: fileOf(name),
    IDENTITY_REQUIRED: 'false',
  })
  return { secretFile, of }
}
