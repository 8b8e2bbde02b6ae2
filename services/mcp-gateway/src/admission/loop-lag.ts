/** How often the event loop is looked at, in ms. */
const EVERY = 20

/**
 * How far the event loop is behind: how much later than it should a timer ran. Where that is much, requests
 * have been waiting in the sockets before anybody could see them, and waiting some more helps nobody.
 */
export class LoopLag {
  readonly #timer: NodeJS.Timeout
  #dueAt = performance.now() + EVERY
  #last = 0

  constructor() {
    this.#timer = setInterval(() => this.#tick(), EVERY).unref()
  }

  /** The lateness of the last turn in ms. */
  get ms(): number {
    return this.#last
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const now = performance.now()
    this.#last = Math.max(0, now - this.#dueAt)
    this.#dueAt = now + EVERY
  }
}
