import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '@ai-governance/common/errors'
import type { Signer } from '../signer/signer.ts'
import { type PushParts, type PushTimes, WitnessPusher } from './pusher.ts'
import type { Witness } from './witnesses.ts'

const TIMES: PushTimes = { every: 5_000, maxRest: 300_000, late: 600_000, call: 10_000 }

export interface FeedParts extends PushParts {
  signer: Signer
}

/**
 * Shows each new checkpoint to the witnesses and keeps what they cosign. All of them get the same checkpoints, so
 * that there are some which all cosigned. Nothing else waits for it.
 */
export class WitnessFeed {
  readonly #parts: FeedParts
  readonly #pushers: WitnessPusher[]
  readonly #times: PushTimes
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  /** Why there was no checkpoint to show, as it was reported last. */
  #fault: string | null = null

  /** Starts at once. */
  constructor(witnesses: readonly Witness[], parts: FeedParts, times: PushTimes = TIMES) {
    this.#parts = parts
    this.#times = times
    this.#pushers = witnesses.map((witness) => new WitnessPusher(witness, parts, times))
    this.#running = witnesses.length > 0 ? this.#run() : Promise.resolve()
  }

  /** Ends calls that are under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#pushers.map((pusher) => pusher.close()))
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#round(signal)
      await sleep(this.#times.every, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { signer, store, log } = this.#parts
    const ready = this.#pushers.filter((pusher) => pusher.isReady())
    if (ready.length === 0) return
    try {
      const checkpoint = await signer.checkpoint()
      const keys = ready.map((pusher) => pusher.key)
      const cosigned = await store.newestSizes(checkpoint.origin, keys)
      this.#fault = null
      await Promise.all(
        ready.map((pusher) => pusher.offer(checkpoint, cosigned.get(pusher.key) ?? 0, signal)),
      )
    } catch (error) {
      const fault = error instanceof ApiError ? error.code : String(error)
      if (fault !== this.#fault && !signal.aborted) {
        log.warn({ err: error }, 'there is no checkpoint for the witnesses')
      }
      this.#fault = fault
    }
  }
}
