import type { Admission, Entrant } from './admission.ts'
import type { Purpose } from './replica.ts'
import type { Replicas } from './replicas.ts'

export interface LaneOptions {
  replicas: Replicas
  purpose: Purpose
  /** The places at the service; null where nobody has to wait. */
  calls: Admission | null
  /** Fewer places, for whoever comes with a body above `largeBody` bytes. */
  large: Admission | null
  largeBody: number
}

/** One way to a service: the places that it has, and the replicas behind them. */
export class Lane {
  readonly replicas: Replicas
  readonly purpose: Purpose
  readonly #options: LaneOptions

  constructor(options: LaneOptions) {
    this.replicas = options.replicas
    this.purpose = options.purpose
    this.#options = options
  }

  /** Takes a place for a call of a flow with a body of so many bytes; whoever was admitted calls {@link leave}. */
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

  /** Whether a call of a flow with a body of so many bytes would be sent away if it came now. */
  isFullFor(flow: string, bytes: number): boolean {
    const { calls } = this.#options
    return (this.#largeFor(bytes)?.isFullFor(flow) || calls?.isFullFor(flow)) ?? false
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#options.calls?.waiting ?? 0
  }

  /** Gives the place of a call of a flow with a body of so many bytes back. */
  leave(flow: string, bytes: number): void {
    this.#options.calls?.leave(flow)
    this.#largeFor(bytes)?.leave(flow)
  }

  #largeFor(bytes: number): Admission | null {
    return bytes > this.#options.largeBody ? this.#options.large : null
  }
}
