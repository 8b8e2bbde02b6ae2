import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import type { FastifyBaseLogger } from 'fastify'
import type { Denial } from './authenticator.ts'

/** How long denials are counted before they become entries, in ms. */
const SUM_UP_EVERY = 60_000
/** So many pairs of class and source are told apart; the rest of a class is summed up under `other`. */
const MAX_TALLIES = 1_000

/** How often somebody was refused. Times in ms since the epoch. */
interface Tally {
  denial: Denial
  source: string
  count: number
  from: number
  to: number
}

/** Counts in bounded memory, however many addresses try. */
export class DenialCounts {
  readonly #max: number
  #tallies = new Map<string, Tally>()

  constructor(max = MAX_TALLIES) {
    this.#max = max
  }

  get size(): number {
    return this.#tallies.size
  }

  /** @param now ms since the epoch */
  count(denial: Denial, source: string, now: number): void {
    const known = this.#tallies.get(`${denial} ${source}`)
    if (!known && source !== OTHER && this.#tallies.size >= this.#max) {
      this.count(denial, OTHER, now)
      return
    }
    const tally = known ?? { denial, source, count: 0, from: now, to: now }
    tally.count += 1
    // A clock that is set back must not make a time that ends before it begins.
    tally.to = Math.max(tally.to, now)
    if (!known) this.#tallies.set(`${denial} ${source}`, tally)
  }

  /** What was counted so far; counting begins anew. */
  take(): Tally[] {
    const tallies = [...this.#tallies.values()]
    this.#tallies = new Map()
    return tallies
  }
}

const OTHER = 'other'

/** An `auth.denied` entry as mcp-audit takes it (docs/FORMATS.md, "Denied callers"). */
function eventOf({ denial, source, count, from, to }: Tally) {
  const time = (ms: number) => formatMicroseconds(ms * 1_000)
  return {
    event_type: 'auth.denied',
    subject: denial,
    decision: false,
    details: { source, count, from: time(from), to: time(to) },
  }
}

/**
 * Puts a batch of entries on the log, all or none, once however often it comes under one key. Rejects unless they
 * are there.
 */
export type AppendBatch = (body: string, idempotencyKey: string) => Promise<void>

/**
 * Puts on the log, once a minute, who was refused and how often: one entry for each class and source. While
 * mcp-audit is away the same batch is tried again and again, and what comes meanwhile goes on being counted, so
 * that nothing is lost and memory stays bounded. No request ever waits for it.
 */
export class DenialLog {
  readonly #counts = new DenialCounts()
  readonly #append: AppendBatch
  readonly #log: FastifyBaseLogger
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  /** What mcp-audit has not acknowledged yet. */
  #batch: { body: string; key: string } | null = null

  constructor(append: AppendBatch, log: FastifyBaseLogger, every = SUM_UP_EVERY) {
    this.#append = append
    this.#log = log
    this.#running = this.#run(every)
  }

  count(denial: Denial, source: string): void {
    this.#counts.count(denial, source, Date.now())
  }

  /** Puts what is left on the log, if mcp-audit is there. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#flush()
    if (this.#batch) this.#log.error(this.#batch, 'denials that mcp-audit did not take')
  }

  async #run(every: number): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await sleep(every, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) await this.#flush()
    }
  }

  /** The batch that is due, and then what was counted since. */
  async #flush(): Promise<void> {
    const wasDue = this.#batch !== null
    if ((await this.#deliver()) && wasDue) await this.#deliver()
  }

  /** Whether nothing is left to acknowledge. */
  async #deliver(): Promise<boolean> {
    if (!this.#batch && this.#counts.size === 0) return true
    this.#batch ??= {
      body: JSON.stringify({ events: this.#counts.take().map(eventOf) }),
      key: `auth.denied-${randomUUID()}`,
    }
    try {
      await this.#append(this.#batch.body, this.#batch.key)
      this.#batch = null
      return true
    } catch (err) {
      this.#log.warn({ err }, 'mcp-audit did not take the denials: they are tried again')
      return false
    }
  }
}
