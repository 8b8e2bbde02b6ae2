import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'

/** What was read of requests to the gateway's own routes, for the router behind the front. */
export type Bodies = WeakMap<IncomingMessage, Buffer>

/** Up to this size, in bytes, a body needs no room: however many large ones come, plain appends pass. */
const SMALL_BODY = 65_536

/** The memory, in bytes, that all large bodies together may take while they arrive and until they are answered. */
export class BodyRoom {
  #free: number

  constructor(bytes: number) {
    this.#free = bytes
  }

  /** Whether a body of so many bytes would find room if it came now. */
  admits(announced: number): boolean {
    return announced <= SMALL_BODY || announced <= this.#free
  }

  /** False, and nothing is taken, where there is not so much. */
  take(bytes: number): boolean {
    if (bytes > this.#free) return false
    this.#free -= bytes
    return true
  }

  give(bytes: number): void {
    this.#free += bytes
  }
}

/**
 * The whole body of a request. Rejects as soon as there is more than `limit` (`body_too_large`) or more than
 * there is room for (`overloaded`), and where the caller leaves before the end (`malformed_request`, which it
 * will not hear). Only what has arrived takes room: who merely announces a body takes nobody's place. The
 * room is free again when the answer is over.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
  room: BodyRoom,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let held = 0
    const release = () => {
      request.off('data', onData)
      chunks.length = 0
      room.give(held)
      held = 0
    }
    const refuse = (code: 'body_too_large' | 'overloaded' | 'malformed_request') => {
      release()
      reject(new ApiError(code))
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) refuse('body_too_large')
      else if (size <= SMALL_BODY) return
      else if (!room.take(size - held)) refuse('overloaded')
      else {
        if (held === 0) response.once('close', release)
        held = size
      }
    }
    request.on('data', onData)
    request.on('end', () => {
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
      chunks.length = 0
    })
    request.on('error', () => refuse('malformed_request'))
  })
}
