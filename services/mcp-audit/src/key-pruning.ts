import type { AuditStore } from './audit-store.ts'

/** Keys are kept for 7 days; an hour more or less does no harm. */
const EVERY_MS = 3_600_000

/** Forgets old idempotency keys from time to time. */
export class KeyPruning {
  readonly #timer: NodeJS.Timeout

  constructor(store: AuditStore, onError: (error: unknown) => void) {
    this.#timer = setInterval(() => void store.pruneKeys().catch(onError), EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
