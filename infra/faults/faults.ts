import type { ServiceProcess } from '../test-support/service-process.ts'
import type { Kind } from './load/history.ts'
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
