import { createHash, randomInt } from 'node:crypto'

/**
 * Numbers by chance that a seed repeats: every random choice of a run comes from here. Each part of a run derives its
 * own, so that what one of them draws, and when, changes nothing for the others.
 */
export class Random {
  /** What it was made from: made from the same text again, it draws the same. */
  readonly seed: string
  #state: number

  constructor(seed: string) {
    this.seed = seed
    this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  }

  /** One of its own for a part of the run. */
  derive(part: string | number): Random {
    return new Random(`${this.seed}/${part}`)
  }

  /** At least 0 and below 1: mulberry32, which is plenty for choices that nobody has an interest in guessing. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `limit` − 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item
  }

  /** So many hexadecimal digits. */
  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.below(16).toString(16)).join('')
  }
}

/** A seed for a run that was given none: a whole number of at most nine digits. */
export function anySeed(): number {
  return randomInt(1_000_000_000)
}
