import { hash } from 'node:crypto'

const WORD = 4
const RANGE = 2 ** 32

/** Random numbers that depend on a seed and a position alone: request 17 of a seed is the same in every run. */
export class Draws {
  readonly #origin: string
  #bytes = Buffer.alloc(0)
  #at = 0
  #blocks = 0

  constructor(seed: number, position: string) {
    this.#origin = `${seed}/${position}`
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    if (this.#at === this.#bytes.length) {
      this.#bytes = hash('sha256', `${this.#origin}/${this.#blocks++}`, 'buffer')
      this.#at = 0
    }
    const word = this.#bytes.readUInt32BE(this.#at)
    this.#at += WORD
    return word / RANGE
  }

  /** A whole number from 0 up to, and without, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** One of them; throws where there is none. */
  of<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error('there is nothing to draw from')
    return items[this.below(items.length)] as Item
  }

  /** One of them, by the weight of each. */
  weighted<Item extends { weight: number }>(items: readonly Item[]): Item {
    let rest = this.next() * items.reduce((sum, { weight }) => sum + weight, 0)
    for (const item of items) {
      rest -= item.weight
      if (rest < 0) return item
    }
    return items.at(-1) as Item
  }
}
