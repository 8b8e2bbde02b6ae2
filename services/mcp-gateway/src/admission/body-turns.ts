import { Admission } from './admission.ts'
import { SMALL_BODY } from './body-room.ts'
import { Places } from './places.ts'

/**
 * Who may read a body of more than 64 KiB when: one in each turn of the event loop, by flow, and in between goes what
 * others wait for. Reading one of 8 MiB keeps the event loop for 30 to 80 ms, and twelve that are there at once kept it
 * for a second in which nobody else was served.
 */
export class BodyTurns {
  readonly #turns = new Places({
    // No more can wait than the room for bodies holds. Nobody is sent away: a timer cannot be set for longer.
    calls: new Admission({ places: () => 1, waiting: Infinity, patience: 2 ** 31 - 1 }),
    ...{ large: null, largeBody: Infinity },
  })

  /** Whether a body of so many bytes has to wait for its turn. */
  concerns(bytes: number): boolean {
    return bytes > SMALL_BODY
  }

  /** Waits until a body of a flow may be read, in the same turn of the event loop. */
  async next(flow: string): Promise<void> {
    await this.#turns.take(flow, 0)
    setImmediate(() => this.#turns.leave(flow, 0))
  }
}
