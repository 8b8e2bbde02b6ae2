import { GovernanceError } from './errors.ts'

/** The end of a call: by its caller's signal, or because its time is over. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #onAbort: () => void
  readonly #timeoutMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #endsAt = Number.POSITIVE_INFINITY

  /** Call `clear` when done. Without an end to the time `timeoutMs` is `Infinity`. */
  constructor(caller: AbortSignal | undefined, timeoutMs: number) {
    this.#caller = caller
    this.#timeoutMs = timeoutMs
    this.#onAbort = () => this.#controller.abort(caller?.reason)
    if (caller?.aborted) this.#onAbort()
    else caller?.addEventListener('abort', this.#onAbort, { once: true })
    this.restart(timeoutMs)
  }

  /** Ends with the call: give it to whatever waits. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Gives the call `timeoutMs` from now on. */
  restart(timeoutMs: number): void {
    clearTimeout(this.#timer)
    this.#endsAt = performance.now() + timeoutMs
    // A timer takes at most 2^31-1 ms, and would run out at once with more.
    if (timeoutMs > 2_147_483_647) return
    this.#timer = setTimeout(() => this.#controller.abort(), timeoutMs)
  }

  /** Stops the clock: the caller is busy, and its time does not count. */
  pause(): void {
    clearTimeout(this.#timer)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }

  /** Whether there is time for a wait of `ms`. */
  allows(ms: number): boolean {
    return !this.signal.aborted && performance.now() + ms < this.#endsAt
  }

  /** Resolves after `ms`, or at once when the call ends. */
  wait(ms: number): Promise<void> {
    if (this.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.signal.addEventListener('abort', done)
    })
  }

  /** Why the call ended; null while it has not. */
  fault(requestId: string, outcomeUnknown: boolean): GovernanceError | null {
    if (!this.signal.aborted) return null
    if (this.#caller?.aborted) {
      const facts = { requestId, outcomeUnknown, cause: this.#caller.reason }
      return new GovernanceError('aborted', 'the call was aborted by its signal.', facts)
    }
    const detail = `no answer within ${this.#timeoutMs} ms.`
    return new GovernanceError('deadline', detail, { requestId, outcomeUnknown })
  }
}
