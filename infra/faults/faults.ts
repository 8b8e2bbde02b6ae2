import type { ServiceProcess } from '../test-support/service-process.ts'
import type { Kind } from './load/history.ts'
import type { Random } from './random.ts'
import { asOwner } from './server.ts'
import type { World } from './world.ts'

/** What is to be known of a fault to judge what came of it. */
export interface FaultFacts {
  name: string
  /** The longest that it may take, in ms, until it is healthy and until the next request is acknowledged. */
  goal: { healthy: number; acknowledged: number }
  /** Whether it happens at one moment, so that no more is in doubt than was under way. */
  isSudden: boolean
  /** Whether whoever is ended is told, and lets requests under way finish. */
  isOrderly?: boolean
  /** Which requests show that it is mended; left out, any. */
  kind?: Kind | undefined
}

/** Something that breaks, and is mended. Struck from this process, which is not the one that makes the load. */
export interface Fault<Struck = World> extends FaultFacts {
  /** Breaks it and mends it; resolves when what was broken says that it is healthy again. */
  strike(world: Struck): Promise<void>
}

/** A service of a world, and which of its processes is struck next: replicas take turns. */
const SERVICES = {
  'mcp-audit': (world: World) => world.audits,
  'mcp-gateway': (world: World) => world.gateways,
  'mcp-lineage': (world: World) => [world.lineage],
  'mcp-policy': (world: World) => (world.policy ? [world.policy] : []),
} as const

export type ServiceName = keyof typeof SERVICES

function nextOf(world: World, name: ServiceName): ServiceProcess {
  const replicas = SERVICES[name](world)
  const next = replicas.shift()
  if (!next) throw new Error(`this world has no ${name}`)
  replicas.push(next)
  return next
}

/** What each service is asked for that nobody answers without it. */
const NEEDED_FOR: Partial<Record<ServiceName, Kind>> = {
  'mcp-lineage': 'register',
  'mcp-policy': 'gate',
}

/** SIGKILL of a service, replicas in turn, and its start. */
export function kill(name: ServiceName): Fault {
  return {
    name: `SIGKILL of ${name}`,
    async strike(world) {
      const service = nextOf(world, name)
      const by = await service.end('SIGKILL')
      if (by !== 'SIGKILL') throw new Error(`${name} had ended before, with ${by}`)
      await service.start()
    },
    goal: { healthy: 10_000, acknowledged: 15_000 },
    isSudden: true,
    kind: NEEDED_FOR[name],
  }
}

/** SIGTERM of a service, replicas in turn, and its start; throws where it does not end with 0. */
export function stop(name: ServiceName): Fault {
  return {
    ...kill(name),
    name: `SIGTERM of ${name}`,
    async strike(world) {
      const service = nextOf(world, name)
      const code = await service.end('SIGTERM')
      if (code !== 0) throw new Error(`${name} ended with ${code} instead of 0`)
      await service.start()
    },
    isOrderly: true,
  }
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

/**
 * Ends one session of a service, now an idle one, now one that runs something, now one that waits for its commit to be
 * on disk; any of them where there is none of that sort. Which of several is drawn by their age, not by their numbers.
 */
export function terminateSessions(random: Random): Fault {
  const sorts = ["state = 'idle'", "state = 'active'", "wait_event IN ('WalSync', 'WalWrite')"]
  let n = 0
  return {
    name: 'pg_terminate_backend of a session',
    strike: ({ server }) =>
      asOwner(server.ownerUrl, async (owner) => {
        await owner.query(
          `SELECT pg_terminate_backend(pid) FROM (
             SELECT pid, sort, row_number() OVER (PARTITION BY sort ORDER BY backend_start, pid) - 1 AS n,
                    count(*) OVER (PARTITION BY sort) AS number
               FROM (SELECT *, (${sorts[n++ % sorts.length]}) IS TRUE AS sort FROM pg_stat_activity
                      WHERE usename IN ('audit_service', 'lineage_service')) AS own) AS numbered
            WHERE n = $1 % number ORDER BY sort DESC LIMIT 1`,
          [random.below(1_000)],
        )
      }),
    goal: { healthy: 10_000, acknowledged: 15_000 },
    // Each may lose a batch, and they follow one another within moments.
    isSudden: false,
  }
}
