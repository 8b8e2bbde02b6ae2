import { Pool } from 'undici'
import type { Limits } from '../limits.ts'
import { pinnedLookup } from './addresses.ts'

/**
 * `up`: takes calls. `stopping`: said that it ends its connections. `silent`: did not answer its probe in time, or
 * lost a connection; it may be dead, or no more than busy. `down`: refuses connections. Calls go to the first
 * of these states in which there is somebody.
 */
export const REPLICA_STATES = ['up', 'stopping', 'silent', 'down'] as const
export type ReplicaState = (typeof REPLICA_STATES)[number]

/** What a connection is used for: each has connections of its own, so that none takes the place of another. */
export type Purpose = 'calls' | 'streams' | 'probes'

/** One address of a service and the connections to it. */
export class Replica {
  readonly address: string
  state: ReplicaState = 'up'
  /** Calls under way. */
  busy = 0
  readonly #origin: string
  readonly #limits: Limits
  #pools: Record<Purpose, Pool>

  constructor(origin: string, address: string, limits: Limits) {
    this.address = address
    this.#origin = origin
    this.#limits = limits
    this.#pools = openPools(origin, address, limits)
  }

  pool(purpose: Purpose): Pool {
    return this.#pools[purpose]
  }

  /** Uses no connection again that is open now; calls under way on them are answered. */
  renew(): void {
    const old = this.#pools
    this.#pools = openPools(this.#origin, this.address, this.#limits)
    closeGently(old)
  }

  /** Lets calls under way end; for an address that the name of the service no longer stands for. */
  retire(): void {
    closeGently(this.#pools)
  }

  async destroy(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.destroy()))
  }
}

function closeGently(pools: Record<Purpose, Pool>): void {
  for (const pool of Object.values(pools)) pool.close().catch(() => pool.destroy())
}

/** undici's pools, unlike `fetch` and its global agent, follow no redirect and read no proxy variable. */
function openPools(origin: string, address: string, limits: Limits): Record<Purpose, Pool> {
  const options = {
    pipelining: 1,
    allowH2: false,
    connect: { timeout: limits.connect, lookup: pinnedLookup(address) },
    // Well below the 75 s after which a service closes it: who closes later may find it closed while writing.
    keepAliveMaxTimeout: limits.connectionIdle,
    // The wait for the head is measured by the caller, because it includes the wait for a connection.
    headersTimeout: 0,
    bodyTimeout: limits.answerIdle,
  }
  const { connections, streamConnections, answerBytes } = limits
  return {
    calls: new Pool(origin, { ...options, connections, maxResponseSize: answerBytes }),
    streams: new Pool(origin, { ...options, connections: streamConnections }),
    probes: new Pool(origin, { ...options, connections: 2 }),
  }
}
