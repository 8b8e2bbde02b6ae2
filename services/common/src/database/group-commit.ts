import { setImmediate } from 'node:timers/promises'
import { ApiError } from '../errors.ts'

interface Waiting<Item, Result> {
  item: Item
  bytes: number
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

export interface GroupCommitOptions<Item, Result> {
  /** Writes a batch in one transaction: all of it or nothing; results in the order of the items. */
  commit: (items: Item[]) => Promise<Result[]>
  /** True for an error that one item of a batch caused, after which the others may still succeed. */
  isItemFault: (error: unknown) => boolean
  maxItems: number
  maxBytes: number
  /** Items, and the bytes of them, that may wait; beyond either `submit` throws `overloaded`. */
  maxWaiting: number
  maxWaitingBytes: number
  /** Hears of each batch that was committed: its items, and the seconds that it took. */
  onBatch?: (items: number, seconds: number) => void
}

/**
 * Natural group commit: an item goes out at once when nothing is under way, and what arrives while a
 * batch commits is the next batch. There is no timer, so an idle service adds no latency and a busy one
 * pays for one commit per batch.
 */
export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>
  #waiting: Waiting<Item, Result>[] = []
  #waitingBytes = 0
  #running: Promise<void> | null = null

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options
  }

  /**
   * Resolves when the item is committed. `bytes` is roughly what the item weighs. Throws `overloaded`
   * when too many wait, else whatever `commit` threw.
   */
  submit(item: Item, bytes: number): Promise<Result> {
    const { maxWaiting, maxWaitingBytes } = this.#options
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes >= maxWaitingBytes) {
      throw new ApiError('overloaded')
    }
    this.#waitingBytes += bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Items that wait for a batch. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What the sockets hold by now travels together: after a batch is answered, its clients' next
      // requests arrive within one turn of the event loop, and the first must not go out alone.
      await setImmediate()
      const batch = this.#take()
      const failure = await this.#commit(batch)
      if (failure !== null && !this.#options.isItemFault(failure)) {
        // The database is away or stuck. What waited meanwhile would only wait again, one time-out
        // after another, so it is answered now.
        this.#waitingBytes = 0
        for (const waiting of this.#waiting.splice(0)) waiting.reject(notSent(failure))
      }
    }
    this.#running = null
  }

  #take(): Waiting<Item, Result>[] {
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes
      if (count > 0 && (count >= this.#options.maxItems || bytes > this.#options.maxBytes)) break
      count++
    }
    const batch = this.#waiting.splice(0, count)
    for (const taken of batch) this.#waitingBytes -= taken.bytes
    return batch
  }

  /** Settles every item of the batch. Returns the error of a batch that failed as a whole, else null. */
  async #commit(batch: Waiting<Item, Result>[]): Promise<unknown> {
    const start = performance.now()
    try {
      const results = await this.#options.commit(batch.map((waiting) => waiting.item))
      this.#options.onBatch?.(batch.length, (performance.now() - start) / 1000)
      batch.forEach((waiting, i) => {
        waiting.resolve(results[i] as Result)
      })
      return null
    } catch (error) {
      // Nothing of the batch was written: one bad item must not fail its neighbours.
      if (batch.length > 1 && this.#options.isItemFault(error)) return this.#commitOneByOne(batch)
      for (const waiting of batch) waiting.reject(error)
      return error
    }
  }

  async #commitOneByOne(batch: Waiting<Item, Result>[]): Promise<unknown> {
    for (const [i, waiting] of batch.entries()) {
      const failure = await this.#commit([waiting])
      if (failure === null || this.#options.isItemFault(failure)) continue
      for (const rest of batch.slice(i + 1)) rest.reject(notSent(failure))
      return failure
    }
    return null
  }
}

/**
 * The error for an item that was not handed to `commit` because an item before it failed: whatever became
 * of that one, nothing became of this one, so its outcome is known.
 */
function notSent(failure: unknown): ApiError {
  const isBusy = failure instanceof ApiError && failure.code === 'database_busy'
  return new ApiError(isBusy ? 'database_busy' : 'database_unavailable', undefined, {
    cause: failure,
  })
}
