import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import type { JsonValue } from '@ai-governance/common/formats/canonical-json'

/** What was read of requests to the gateway's own routes, for the router behind the front. */
export type Bodies = WeakMap<IncomingMessage, CheckedBody>

/** A body that was read and checked: as it came, and what it says. */
export interface CheckedBody {
  bytes: Buffer
  value: JsonValue
}

/** The body of a request, once: a tree of 200,000 values is not kept for whoever needs the bytes alone. */
export function takeBody(bodies: Bodies, request: IncomingMessage): CheckedBody {
  const body = bodies.get(request)
  if (!body) throw new Error('the body of this request was not read, or was taken before')
  bodies.delete(request)
  return body
}

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

  /** Gives back what {@link readBody} took for a body, once the answer is over. */
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

/**
 * The whole body of a request. Rejects as soon as there is more than `limit` (`body_too_large`) or more than
 * there is room for in its flow (`overloaded`), and where the caller leaves before the end (`malformed_request`, which it
 * will not hear). Only what has arrived takes room: who merely announces a body takes nobody's place. What a
 * whole body has taken is given back by `room.giveAfter`. (The response is no business of this function for
 * a reason: a request that refers to its response made garbage collection cost twice as much.)
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  room: BodyRoom,
  flow: string,
): Promise<Buffer> {
  // Node has ended what announces no body (`optimizeEmptyRequests`), and says no more of it.
  if (request.readableEnded) return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let held = 0
    const refuse = (code: 'body_too_large' | 'overloaded' | 'malformed_request') => {
      request.off('data', onData)
      chunks.length = 0
      room.give(flow, held)
      held = 0
      reject(new ApiError(code))
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > limit) refuse('body_too_large')
      else if (size <= SMALL_BODY) return
      else if (room.take(flow, size - held, held)) held = size
      else refuse('overloaded')
    }
    request.on('data', onData)
    request.on('end', () => {
      held = 0
      if (chunks.length === 1) return resolve(chunks[0] as Buffer)
      resolve(Buffer.concat(chunks))
      // The request lives on until it is answered, and what it holds would be there twice.
      chunks.length = 0
    })
    request.on('error', () => refuse('malformed_request'))
  })
}
