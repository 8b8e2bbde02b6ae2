import type { Metrics } from '../observability/metrics.ts'
import { isDataFault } from './database.ts'
import { GroupCommit } from './group-commit.ts'

const MAX_BATCH = 512
const MAX_BATCH_BYTES = 1_048_576
/** What may wait while a batch commits: about a quarter of a second's worth of full batches. */
const MAX_WAITING = 4_096
const MAX_WAITING_BYTES = 64 * 1_048_576

/** Powers of two, as far as a batch goes. */
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
/** Seconds of one commit, flush included. */
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What a caller wants written, once where it came with a key. */
export interface Keyed {
  actor: string | null
  /** The Idempotency-Key that it came with. */
  key: string | null
}

export interface LogQueueOptions<Item, Result> {
  /** Writes a batch in one transaction under the lock of the log; results in the order of the items. */
  commit: (items: Item[]) => Promise<Result[]>
  /** Hears of each batch that was committed: its items, and the seconds that it took. */
  onBatch: (items: number, seconds: number) => void
}

/**
 * What waits for its turn at the log: a group commit with the limits that the lock of the log calls for, in which two
 * of one actor and key never share a batch. Errors besides those of `Database.write`: `overloaded`.
 */
export class LogQueue<Item extends Keyed, Result> {
  readonly #queue: GroupCommit<Item, Result>
  /** Keyed items under way. Two of one key in a transaction would make it fail for all who share it. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor({ commit, onBatch }: LogQueueOptions<Item, Result>) {
    this.#queue = new GroupCommit({
      commit,
      isItemFault: isDataFault,
      maxItems: MAX_BATCH,
      maxBytes: MAX_BATCH_BYTES,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: MAX_WAITING_BYTES,
      onBatch,
    })
  }

  /** Resolves once the item is committed. `bytes` is roughly what it weighs. */
  submit(item: Item, bytes: number): Promise<Result> {
    if (item.key === null) return this.#queue.submit(item, bytes)
    return this.#submitKeyed(item, bytes)
  }

  /** Items that wait for a batch. */
  get waiting(): number {
    return this.#queue.waiting
  }

  /** Resolves when nothing waits and nothing is under way. */
  drained(): Promise<void> {
    return this.#queue.drained()
  }

  async #submitKeyed(item: Item, bytes: number): Promise<Result> {
    const scope = JSON.stringify([item.actor, item.key])
    for (let twin = this.#underWay.get(scope); twin; twin = this.#underWay.get(scope)) {
      await twin.catch((error: unknown) => {
        // The database is away or stuck: this one would only wait as long again.
        if (!isDataFault(error)) throw error
      })
    }
    const submitted = this.#queue.submit(item, bytes)
    this.#underWay.set(scope, submitted)
    try {
      return await submitted
    } finally {
      this.#underWay.delete(scope)
    }
  }
}

/** Measures what a queue commits; `what` names it in metrics, `items` in their helps. */
export function batchHistograms(
  metrics: Metrics,
  { what, items }: { what: 'append' | 'register'; items: string },
): (count: number, seconds: number) => void {
  const size = metrics.histogram({
    name: `governance_${what}_batch_size`,
    help: `${items} that were committed together`,
    buckets: BATCH_BUCKETS,
  })
  const commits = metrics.histogram({
    name: `governance_${what}_commit_seconds`,
    help: 'Time that the database took to commit such a batch',
    buckets: COMMIT_BUCKETS,
  })
  return (count, seconds) => {
    size.observe(count)
    commits.observe(seconds)
  }
}
