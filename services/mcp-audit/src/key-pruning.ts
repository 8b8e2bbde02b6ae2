import type { AuditStore } from './audit-store.ts'

/** Keys are kept for 7 days; an hour more or less does no harm. */
const EVERY_MS = 3_600_000

/** Forgets old idempotency keys from time to time. */
export class KeyPruning {
  readonly #timer: NodeJS.Timeout
  #isStopped = false

  constructor(store: AuditStore, onError: (error: unknown) => void) {
    const prune = async () => {
      while (!this.#isStopped && (await store.pruneKeys()) > 0);
    }
    this.#timer = setInterval(() => void prune().catch(onError), EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
  }
}
