import type { ServerResponse } from 'node:http'

/** Up to this size, in bytes, a body needs no room: however many large ones come, plain appends pass. */
export const SMALL_BODY = 65_536

/** A flow that has more bodies than one may hold so many times what is left free. */
const SHARE = 3

/**
 * The memory, in bytes, that all large bodies together may take while they arrive and until they are answered.
 *
 * What is taken cannot be taken back before the answer, so some is always left for whoever comes next: a flow with
 * several bodies holds at most three times what is free (the dynamic threshold of shared-memory switches, Choudhury
 * and Hahne 1998). Alone that is three quarters, of two each has 3/7. The only body of a flow may take all that is free.
 */
export class BodyRoom {
  #free: number
  /** By flow; those that hold nothing are not in it. */
  readonly #held = new Map<string, number>()

  constructor(bytes: number) {
    this.#free = bytes
  }

  /** Whether a body of so many bytes would find room if it came now. */
  admits(flow: string, announced: number): boolean {
    return announced <= SMALL_BODY || this.#hasRoom(flow, announced, 0)
  }

  /**
   * Takes more for a body that has `own` bytes of the room by now. False, and nothing is taken, where there is not
   * so much.
   */
  take(flow: string, bytes: number, own: number): boolean {
    if (!this.#hasRoom(flow, bytes, own)) return false
    this.#free -= bytes
    this.#held.set(flow, this.#heldBy(flow) + bytes)
    return true
  }

  /** Gives back what `readBody` took for a body, once the answer is over. */
  giveAfter(response: ServerResponse, flow: string, body: Buffer): void {
    const { length } = body
    if (length <= SMALL_BODY) return
    if (response.closed) this.give(flow, length)
    else response.once('close', () => this.give(flow, length))
  }

  give(flow: string, bytes: number): void {
    if (bytes === 0) return
    this.#free += bytes
    const left = this.#heldBy(flow) - bytes
    if (left > 0) this.#held.set(flow, left)
    else this.#held.delete(flow)
  }

  #hasRoom(flow: string, bytes: number, own: number): boolean {
    const left = this.#free - bytes
    if (left < 0) return false
    const held = this.#heldBy(flow)
    return held === own || held + bytes <= SHARE * left
  }

  #heldBy(flow: string): number {
    return this.#held.get(flow) ?? 0
  }
}
