/** Somebody who wants a place. Exactly one of the two is called, at once or later. */
export interface Entrant {
  admitted(): void
  shed(): void
}

export interface AdmissionOptions {
  /** How many may be inside at once, asked each time. */
  places: () => number
  /** How many may wait. */
  waiting: number
  /** For how long somebody may be waiting all the time, in ms: a burst. */
  burst: number
  /** How long one waits after that, in ms. */
  patience: number
  /** Whether the process itself is behind with its work: then nobody waits. */
  isLate?: () => boolean
  /** A clock in ms. */
  now?: () => number
}

/**
 * So many places, and a short queue before them. A queue that empties again and again takes up bursts, and one
 * may wait in it. One that never empties only makes everybody late: then the wait is cut short and the newest
 * goes first, so that whoever gets a place got it fast and the rest is told at once to come back. (The rule of
 * CoDel, RFC 8289, with the time since the queue last emptied into places as its measure.)
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #now: () => number
  #inside = 0
  #queue: { entrant: Entrant; since: number }[] = []
  /** When the last place was taken, or the last who waited got one. */
  #calmAt: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#calmAt = this.#now()
  }

  get inside(): number {
    return this.#inside
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Whether somebody who came now would be sent away. */
  get isFull(): boolean {
    const { places, waiting, isLate } = this.#options
    if (this.#inside < places()) return false
    this.expire()
    return this.#queue.length >= waiting || (isLate?.() ?? false)
  }

  enter(entrant: Entrant): void {
    const { places } = this.#options
    if (this.#inside < places()) {
      this.#inside++
      if (this.#inside >= places()) this.#calmAt = this.#now()
      entrant.admitted()
      return
    }
    if (this.isFull) {
      entrant.shed()
      return
    }
    this.#queue.push({ entrant, since: this.#now() })
    this.#timer ??= setTimeout(() => this.#sweep(), this.#options.patience).unref()
  }

  /** Gives a place back, to the next who waits. */
  leave(): void {
    this.#inside--
    if (this.#queue.length === 0) return
    this.expire()
    while (this.#queue.length > 0 && this.#inside < this.#options.places()) {
      const next = this.#isPressed() ? this.#queue.pop() : this.#queue.shift()
      if (this.#queue.length === 0) this.#calmAt = this.#now()
      this.#inside++
      next?.entrant.admitted()
    }
  }

  /** Sends away who has waited for too long. */
  expire(): void {
    if (!this.#isPressed()) return
    const before = this.#now() - this.#options.patience
    const late = this.#queue.findIndex(({ since }) => since > before)
    const count = late === -1 ? this.#queue.length : late
    for (const { entrant } of this.#queue.splice(0, count)) entrant.shed()
  }

  #isPressed(): boolean {
    return this.#queue.length > 0 && this.#now() - this.#calmAt > this.#options.burst
  }

  #sweep(): void {
    this.#timer = undefined
    this.expire()
    if (this.#queue.length === 0) return
    this.#timer = setTimeout(() => this.#sweep(), this.#options.patience).unref()
  }
}
