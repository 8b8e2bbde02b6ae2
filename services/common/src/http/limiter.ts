import { ApiError } from '../errors.ts'

/** Lets so many pieces of expensive work run at once, and refuses more as `overloaded`. */
export class Limiter {
  readonly #max: number
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Takes a place until the function that it returns is called. Throws `overloaded`. */
  enter(): () => void {
    if (this.#running >= this.#max) throw new ApiError('overloaded')
    this.#running++
    let isInside = true
    return () => {
      if (isInside) this.#running--
      isInside = false
    }
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const leave = this.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
