import { ApiError } from '@ai-governance/common/errors'
import type { Admission, Entrant } from './admission.ts'

export interface PlacesOptions {
  /** Null where nobody has to wait. */
  calls: Admission | null
  /** Fewer places, for whoever comes with a body above `largeBody` bytes. */
  large: Admission | null
  largeBody: number
}

/** Places for work, of which that with a large body takes one of a few besides. */
export class Places {
  readonly #options: PlacesOptions

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /** Takes a place for work of a flow with a body of so many bytes; whoever was admitted calls {@link leave}. */
  enter(entrant: Entrant, flow: string, bytes: number): void {
    const { calls } = this.#options
    const large = this.#largeFor(bytes)
    if (!large) {
      if (calls) calls.enter(entrant, flow)
      else entrant.admitted()
      return
    }
    const shed = () => {
      large.leave(flow)
      entrant.shed()
    }
    const then = { admitted: () => entrant.admitted(), shed }
    const admitted = () => (calls ? calls.enter(then, flow) : entrant.admitted())
    large.enter({ admitted, shed: () => entrant.shed() }, flow)
  }

  /** {@link enter} as a promise, which rejects with `ApiError` `overloaded`. */
  take(flow: string, bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const shed = () => reject(new ApiError('overloaded'))
      this.enter({ admitted: resolve, shed }, flow, bytes)
    })
  }

  /** Whether work of a flow with a body of so many bytes would be sent away if it came now. */
  isFullFor(flow: string, bytes: number): boolean {
    const { calls } = this.#options
    return (this.#largeFor(bytes)?.isFullFor(flow) || calls?.isFullFor(flow)) ?? false
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#options.calls?.waiting ?? 0
  }

  /** Gives the place of work of a flow with a body of so many bytes back. */
  leave(flow: string, bytes: number): void {
    this.#options.calls?.leave(flow)
    this.#largeFor(bytes)?.leave(flow)
  }

  #largeFor(bytes: number): Admission | null {
    return bytes > this.#options.largeBody ? this.#options.large : null
  }
}
