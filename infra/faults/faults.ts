import { asOwner } from './server.ts'
import type { World } from './world.ts'

/** Something that breaks, and is mended. Struck from this process, which is not the one that makes the load. */
export interface Fault {
  name: string
  /** Breaks it and mends it; resolves when what was broken says that it is healthy again. */
  strike(world: World): Promise<void>
  /** The longest that it may take, in ms, until it is healthy and until the next request is acknowledged. */
  goal: { healthy: number; acknowledged: number }
  /** Whether it happens at one moment, so that no more is in doubt than was under way. */
  isSudden: boolean
  /** Whether whoever is ended is told, and lets requests under way finish. */
  isOrderly?: boolean
}

/** One of the replicas, each in turn. */
const replica = (world: World) => {
  const audit = world.audits.shift() as World['audits'][number]
  world.audits.push(audit)
  return audit
}

export const killAudit: Fault = {
  name: 'SIGKILL of mcp-audit',
  async strike(world) {
    const audit = replica(world)
    const by = await audit.end('SIGKILL')
    if (by !== 'SIGKILL') throw new Error(`mcp-audit had ended before, with ${by}`)
    await audit.start()
  },
  goal: { healthy: 10_000, acknowledged: 15_000 },
  isSudden: true,
}

export const killGateway: Fault = {
  name: 'SIGKILL of mcp-gateway',
  async strike({ gateway }) {
    if (!gateway) throw new Error('the load does not go through a gateway')
    const by = await gateway.end('SIGKILL')
    if (by !== 'SIGKILL') throw new Error(`mcp-gateway had ended before, with ${by}`)
    await gateway.start()
  },
  goal: { healthy: 10_000, acknowledged: 15_000 },
  isSudden: true,
}

export const stopGateway: Fault = {
  name: 'SIGTERM of mcp-gateway',
  async strike({ gateway }) {
    if (!gateway) throw new Error('the load does not go through a gateway')
    const code = await gateway.end('SIGTERM')
    if (code !== 0) throw new Error(`mcp-gateway ended with ${code} instead of 0`)
    await gateway.start()
  },
  goal: { healthy: 10_000, acknowledged: 15_000 },
  isSudden: true,
  isOrderly: true,
}

export const killPostgres: Fault = {
  name: 'SIGKILL of all PostgreSQL processes',
  async strike({ server }) {
    await server.kill()
    await server.start()
  },
  goal: { healthy: 15_000, acknowledged: 15_000 },
  isSudden: true,
}

export const stopAudit: Fault = {
  name: 'SIGTERM of mcp-audit',
  async strike(world) {
    const audit = replica(world)
    const code = await audit.end('SIGTERM')
    if (code !== 0) throw new Error(`mcp-audit ended with ${code} instead of 0`)
    await audit.start()
  },
  goal: { healthy: 10_000, acknowledged: 15_000 },
  isSudden: true,
  isOrderly: true,
}

/**
 * Ends one session of a service, now an idle one, now one that runs something, now one that waits for its commit to be
 * on disk; any of them where there is none of that sort.
 */
export function terminateSessions(): Fault {
  const sorts = ["state = 'idle'", "state = 'active'", "wait_event IN ('WalSync', 'WalWrite')"]
  let n = 0
  return {
    name: 'pg_terminate_backend of a session',
    strike: ({ server }) =>
      asOwner(server.ownerUrl, async (owner) => {
        await owner.query(
          `SELECT pg_terminate_backend(pid) FROM (
             SELECT pid FROM pg_stat_activity
              WHERE usename IN ('audit_service', 'lineage_service')
              ORDER BY (${sorts[n++ % sorts.length]}) IS TRUE DESC, random() LIMIT 1) AS one`,
        )
      }),
    goal: { healthy: 10_000, acknowledged: 15_000 },
    // Each may lose a batch, and they follow one another within moments.
    isSudden: false,
  }
}
