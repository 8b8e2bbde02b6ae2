import type { Limits } from '../limits.ts'
import { literalAddress, type Resolver } from './addresses.ts'
import { probe } from './probe.ts'
import { REPLICA_STATES, Replica, type ReplicaState } from './replica.ts'

/**
 * The replicas of one service: every address that its name stands for. The name is asked again every few
 * seconds. Where there are several, each is probed, and calls go to those that are up, the less busy of two
 * by chance: that spreads evenly without all gateways running to the same one. Where nobody is up they go to who
 * is least far from it, because then the probe may be what is wrong.
 */
export class Replicas {
  readonly #origin: string
  readonly #host: string
  readonly #limits: Limits
  readonly #resolve: Resolver
  readonly #timer: NodeJS.Timeout | undefined
  readonly #probing = new Set<Replica>()
  #all: Replica[] = []
  /** Those that calls go to. */
  #preferred: Replica[] = []
  #resolving: Promise<void> | null = null
  #resolvedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(origin: string, limits: Limits, resolve: Resolver) {
    this.#origin = origin
    this.#host = new URL(origin).hostname
    this.#limits = limits
    this.#resolve = resolve
    const literal = literalAddress(this.#host)
    if (literal === null) {
      this.#timer = setInterval(() => this.#look(), limits.probeEvery).unref()
      this.#look()
    } else this.#take([literal])
  }

  /** How many replicas are up. */
  get up(): number {
    return this.count('up')
  }

  /** How many replicas are in one of these states. */
  count(...states: ReplicaState[]): number {
    return this.#all.filter(({ state }) => states.includes(state)).length
  }

  /** Address, state and calls under way of each. */
  get list(): readonly Replica[] {
    return this.#all
  }

  /** Where the next call goes; null while the name stands for no address. */
  pick(): Replica | null {
    const candidates = this.#preferred
    const { length } = candidates
    if (length < 2) return candidates[0] ?? null
    const first = Math.floor(Math.random() * length)
    const second = (first + 1 + Math.floor(Math.random() * (length - 1))) % length
    const [a, b] = [candidates[first] as Replica, candidates[second] as Replica]
    return b.busy < a.busy ? b : a
  }

  /** Resolves once there is an address, or rejects with why there is none. */
  async known(): Promise<void> {
    if (this.#all.length > 0) return
    const { resolveAgain } = this.#limits
    // A name that is missing is not asked for anew by each of a thousand calls a second.
    if (!this.#resolving && performance.now() - this.#resolvedAt < resolveAgain) throw notFound()
    await this.#ask()
    if (this.#all.length === 0) throw notFound()
  }

  /** Tells that a connection was refused or lost. One that answers its probe is back in milliseconds. */
  failed(replica: Replica, isRefused: boolean): void {
    this.#mark(replica, isRefused ? 'down' : 'silent')
    this.#probe(replica)
  }

  /** Tells of an answer, and whether it ended its connection, as all answers of a service do that is stopping. */
  answered(replica: Replica, closes: boolean): void {
    if (closes) this.#mark(replica, 'stopping')
    else if (replica.state !== 'up' && this.#all.length === 1) this.#mark(replica, 'up')
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all(this.#all.map((replica) => replica.destroy()))
  }

  #look(): void {
    const { resolveEvery, resolveAgain } = this.#limits
    const due = this.up === 0 ? resolveAgain : resolveEvery
    // A name that cannot be resolved now keeps the addresses that it had.
    if (performance.now() - this.#resolvedAt >= due) this.#ask().catch(() => {})
    for (const replica of this.#all) this.#probe(replica)
  }

  #ask(): Promise<void> {
    this.#resolving ??= this.#resolve(this.#host)
      .then((addresses) => this.#take(addresses))
      .finally(() => {
        this.#resolvedAt = performance.now()
        this.#resolving = null
      })
    return this.#resolving
  }

  #take(addresses: readonly string[]): void {
    if (this.#closed || addresses.length === 0) return
    const wanted = new Set(addresses)
    const kept = this.#all.filter(({ address }) => wanted.has(address))
    for (const gone of this.#all.filter((replica) => !kept.includes(replica))) gone.retire()
    const known = new Set(kept.map(({ address }) => address))
    const added = [...wanted.difference(known)].map(
      (address) => new Replica(this.#origin, address, this.#limits),
    )
    this.#all = [...kept, ...added]
    this.#prefer()
  }

  /** A single replica is not probed: whatever came of it, calls would go there. */
  #probe(replica: Replica): void {
    if (this.#closed || this.#all.length < 2 || this.#probing.has(replica)) return
    this.#probing.add(replica)
    void probe(replica, this.#limits.probe).then((state) => {
      this.#probing.delete(replica)
      this.#mark(replica, state)
    })
  }

  #mark(replica: Replica, state: ReplicaState): void {
    if (replica.state === state || this.#closed || !this.#all.includes(replica)) return
    replica.state = state
    // An idle connection to a service that stops is closed at some moment, perhaps that of the next call.
    if (state !== 'up') replica.renew()
    this.#prefer()
  }

  #prefer(): void {
    const best = REPLICA_STATES.find((state) => this.count(state) > 0)
    this.#preferred = this.#all.filter(({ state }) => state === best)
  }
}

function notFound(): Error {
  return Object.assign(new Error('the name of the service has no address'), { code: 'ENOTFOUND' })
}
