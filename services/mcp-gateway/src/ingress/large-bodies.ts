import type { ServerResponse } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import type { Limits } from '../limits.ts'
import { Admission } from '../upstreams/admission.ts'
import { SMALL_BODY } from './body.ts'

/**
 * Who may work on a large body when. Reading one of 8 MiB keeps the event loop for 30 to 80 ms, and twelve that are
 * there at once kept it for a second in which nobody else was served.
 */
export class LargeBodies {
  readonly #largeBody: number
  /** One body is read in each turn of the event loop, and in between goes what others wait for. */
  readonly #turns: Admission
  /** At the gateway's own routes, where it does more with a body than pass it on. */
  readonly #own: Admission

  constructor({ largeBody, largeInFlight, largePatience, largeOwn }: Limits) {
    this.#largeBody = largeBody
    // No more can wait than the room for bodies holds.
    const unbounded = { waiting: Infinity, burst: Infinity, patience: largePatience }
    this.#turns = new Admission({ places: () => 1, ...unbounded })
    this.#own = new Admission({
      places: () => largeOwn,
      ...{ waiting: 2 * largeInFlight, burst: largePatience, patience: largePatience },
    })
  }

  /** Whether a body of so many bytes has to wait for its turn. */
  concerns(bytes: number): boolean {
    return bytes > SMALL_BODY
  }

  /**
   * Waits until a body of a flow may be worked on: parsed in the same turn of the event loop, and where `isOwn`, by a
   * route of the gateway, until the response closes.
   *
   * @throws ApiError `overloaded`
   */
  async turn(flow: string, bytes: number, response: ServerResponse, isOwn: boolean): Promise<void> {
    if (isOwn && bytes > this.#largeBody) {
      await placeIn(this.#own, flow)
      const leave = () => this.#own.leave(flow)
      if (response.closed) leave()
      else response.once('close', leave)
    }
    await placeIn(this.#turns, flow)
    setImmediate(() => this.#turns.leave(flow))
  }
}

function placeIn(admission: Admission, flow: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const shed = () => reject(new ApiError('overloaded'))
    admission.enter({ admitted: resolve, shed }, flow)
  })
}
