import type { IncomingMessage } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import type { JsonValue } from '@ai-governance/common/formats/canonical-json'
import { type BodyRoom, SMALL_BODY } from '../admission/body-room.ts'

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
