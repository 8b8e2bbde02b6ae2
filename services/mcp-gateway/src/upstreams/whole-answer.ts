import type { Dispatcher, Pool } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'

export interface WholeAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** A time limit for something that goes through several attempts. */
export class Deadline {
  /** Rejects with a `TimeoutError` when the time is over; never settles where that is not to be. */
  readonly passed: Promise<never>
  /** What is under way, and has to end when the time is over. */
  abort: ((reason: Error) => void) | null = null
  #isPassed = false
  readonly #timer: NodeJS.Timeout

  /** After so many ms, unless {@link clear} is called before. */
  constructor(ms: number) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.passed = promise
    this.#timer = setTimeout(() => {
      const late = Object.assign(new Error('there was no answer in time'), { name: 'TimeoutError' })
      this.#isPassed = true
      reject(late)
      this.abort?.(late)
    }, ms)
  }

  get isPassed(): boolean {
    return this.#isPassed
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * Makes a request and resolves with its whole answer as text, by undici's handler interface as answers are passed on
 * (proxy.ts): nobody reads this one as a stream. Rejects with the error of the connection.
 */
export function wholeAnswer(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  deadline: Deadline,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    pool.dispatch(request, new Collector({ resolve, reject }, deadline))
  })
}

interface Settle {
  resolve(answer: WholeAnswer): void
  reject(error: Error): void
}

class Collector implements Dispatcher.DispatchHandler {
  readonly #settle: Settle
  readonly #deadline: Deadline
  readonly #chunks: Buffer[] = []
  #status = 0
  #headers: IncomingHttpHeaders = {}

  constructor(settle: Settle, deadline: Deadline) {
    this.#settle = settle
    this.#deadline = deadline
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It waited for a connection for too long: a throw takes it out of the queue, and nothing is sent.
    if (this.#deadline.isPassed) throw new Error('nobody waits for this answer any more')
    this.#deadline.abort = (reason) => controller.abort(reason)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#deadline.abort = null
    const text = Buffer.concat(this.#chunks).toString('utf8')
    this.#settle.resolve({ status: this.#status, headers: this.#headers, text })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#deadline.abort = null
    this.#settle.reject(error)
  }
}
