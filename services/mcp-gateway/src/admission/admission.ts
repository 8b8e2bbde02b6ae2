import { type Flow, Flows } from './flows.ts'

/** Somebody who wants a place. Exactly one of the two is called, at once or later. */
export interface Entrant {
  admitted(): void
  shed(): void
}

export interface AdmissionOptions {
  /** How many may be inside at once, asked each time. */
  places: () => number
  /** How many may wait, and for how long, in ms. */
  waiting: number
  patience: number
  /** Whether the process itself is behind with its work: then nobody waits who has a place, or waits already. */
  isLate?: () => boolean
  /** A clock in ms. */
  now?: () => number
}

/**
 * So many places, and a queue before them in which one waits for so long and then is told to come back. A queue that
 * empties again and again takes up bursts, and who came first is next. One that has not emptied for as long as anybody
 * waits only makes everybody late: then the newest goes first, so that whoever gets a place got it fast.
 *
 * Whose call it is counts only where somebody waits: then the next place is for the flow that has the fewest, and
 * a full queue sends away the newest of the flow that has most, so that no caller keeps another out by asking more
 * often. One alone may have everything. The flow of {@link leave} is that of {@link enter}.
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #now: () => number
  readonly #flows = new Flows<Entrant>()
  #inside = 0
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
    return this.#flows.waiting
  }

  /** Whether somebody of this flow who came now would be sent away. */
  isFullFor(name: string): boolean {
    if (this.#inside < this.#options.places()) return false
    this.expire()
    return !this.#mayWait(this.#flows.get(name))
  }

  enter(entrant: Entrant, name: string): void {
    const { places, patience } = this.#options
    if (this.#inside < places()) {
      this.#flows.get(name).inside++
      this.#inside++
      if (this.#inside >= places()) this.#calmAt = this.#now()
      entrant.admitted()
      return
    }
    this.expire()
    const flow = this.#flows.get(name)
    if (!this.#mayWait(flow)) {
      entrant.shed()
      return
    }
    const displaced = this.#isQueueFull() ? this.#flows.takeNewestOfLargest() : undefined
    this.#flows.push(flow, entrant, this.#now())
    this.#timer ??= setTimeout(() => this.#sweep(), patience).unref()
    displaced?.shed()
  }

  /** Gives a place back, to the next who waits. */
  leave(name: string): void {
    this.#flows.get(name).inside--
    this.#inside--
    if (this.#flows.waiting === 0) return
    this.expire()
    while (this.#flows.waiting > 0 && this.#inside < this.#options.places()) {
      const next = this.#flows.takeNext(this.#isPressed())
      if (this.#flows.waiting === 0) this.#calmAt = this.#now()
      this.#inside++
      next?.admitted()
    }
  }

  /** Sends away who has waited for too long. */
  expire(): void {
    // Nobody can have waited for longer than the queue has been there.
    if (!this.#isPressed()) return
    for (const entrant of this.#flows.takeLate(this.#now() - this.#options.patience)) entrant.shed()
  }

  #mayWait(flow: Flow<Entrant>): boolean {
    const { isLate } = this.#options
    const size = flow.inside + flow.queue.length
    if (isLate?.() && size > 0) return false
    // Changing places with somebody of a flow that is no larger would go on for ever.
    return !this.#isQueueFull() || size + 1 < this.#flows.largest
  }

  #isQueueFull(): boolean {
    return this.#flows.waiting >= this.#options.waiting
  }

  #isPressed(): boolean {
    return this.#flows.waiting > 0 && this.#now() - this.#calmAt > this.#options.patience
  }

  #sweep(): void {
    this.#timer = undefined
    this.expire()
    if (this.#flows.waiting === 0) return
    this.#timer = setTimeout(() => this.#sweep(), this.#options.patience).unref()
  }
}
