import { Admission } from '../admission/admission.ts'
import { LoopLag } from '../admission/loop-lag.ts'
import { queuedPlaces } from '../admission/queued-places.ts'
import type { Directory } from '../directory.ts'
import type { Limits } from '../limits.ts'
import { type Resolver, resolveBySystem } from './addresses.ts'
import { Lane } from './lane.ts'
import { Replicas } from './replicas.ts'

export { ask } from './ask.ts'
export { upstreamFault } from './upstream-fault.ts'

/** One service behind the gateway and the ways to it. */
export interface Upstream {
  name: string
  origin: string
  replicas: Replicas
  pool: Lane
  /** For answers of any size that are sent at the pace of the reader. */
  streams: Lane
  /** For asking whether it is ready, also while all places are taken. */
  probes: Lane
}

/** The way that calls of a route take. */
export function laneOf(upstream: Upstream, route: { streams: boolean }): Lane {
  return route.streams ? upstream.streams : upstream.pool
}

export type Upstreams = ReadonlyMap<string, Upstream> & { readonly lag: LoopLag }

/** Resolves the names of the directory and opens the ways; connections are made on demand. */
export function openUpstreams(
  directory: Directory,
  limits: Limits,
  resolve: Resolver = resolveBySystem,
): Upstreams {
  const lag = new LoopLag()
  const upstreams = new Map(
    [...directory].map(([name, origin]): [string, Upstream] => {
      const replicas = new Replicas(origin, limits, resolve)
      return [name, { name, origin, replicas, ...openLanes(replicas, limits, lag) }]
    }),
  )
  return Object.assign(upstreams, { lag })
}

function openLanes(
  replicas: Replicas,
  limits: Limits,
  lag: LoopLag,
): Pick<Upstream, 'pool' | 'streams' | 'probes'> {
  const { inFlight, patience, largeBody, largeInFlight } = limits
  const places = queuedPlaces(limits, lag, {
    calls: () => inFlight * Math.max(1, replicas.up),
    ...{ large: largeInFlight, largeWaiting: largeInFlight },
  })
  const streams = new Admission({
    places: () => limits.streamConnections,
    ...{ waiting: 0, patience },
  })
  const none = { large: null, largeBody }
  return {
    pool: new Lane({ replicas, purpose: 'calls', ...places }),
    streams: new Lane({ replicas, purpose: 'streams', calls: streams, ...none }),
    probes: new Lane({ replicas, purpose: 'probes', calls: null, ...none }),
  }
}

export async function closeUpstreams(upstreams: Upstreams): Promise<void> {
  upstreams.lag.close()
  await Promise.all([...upstreams.values()].map(({ replicas }) => replicas.close()))
}
