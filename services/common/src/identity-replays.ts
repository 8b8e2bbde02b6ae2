/** How long a header can count at most here: its life of 60 s, and 5 s if it was signed ahead of our clock. */
const WINDOW = 65
/** Two windows of that many: 25 MB (measured), and 3,000 signed calls a second. */
const MAX_IN_WINDOW = 200_000

/**
 * Remembers which headers were here for as long as they could come again. Two sets take turns, so forgetting
 * costs nothing. What may still count is never forgotten early: when a window is full, the answer is no.
 * It is the memory of one process: another replica does not know.
 */
export class ReplayMemory {
  readonly #max: number
  #current = new Set<string>()
  #before = new Set<string>()
  #since = Number.NEGATIVE_INFINITY

  constructor(max = MAX_IN_WINDOW) {
    this.#max = max
  }

  /** Remembers `jti`, unless it was here before or there is no room. `now` is in seconds and never runs back. */
  add(jti: string, now: number): 'new' | 'seen' | 'full' {
    this.#turn(now)
    if (this.#current.has(jti) || this.#before.has(jti)) return 'seen'
    if (this.#current.size >= this.#max) return 'full'
    this.#current.add(jti)
    return 'new'
  }

  #turn(now: number): void {
    if (now - this.#since < WINDOW) return
    const wasLongAgo = now - this.#since >= 2 * WINDOW
    this.#before = wasLongAgo ? new Set() : this.#current
    this.#current = new Set()
    this.#since = now
  }
}
