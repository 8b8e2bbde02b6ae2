import type { RequestListener } from 'node:http'
import { lastAnswer, noteAnswer } from './last-answer.ts'

/**
 * Handles the requests of one connection one after the other. Node reports pipelined requests all at once,
 * but only those that change nothing may be carried out side by side (RFC 9112 §9.3.2), and one connection
 * could make the gateway start hundreds of calls.
 */
export function inOrder(handle: RequestListener): RequestListener {
  return (request, response) => {
    const { socket } = request
    const before = lastAnswer(socket)
    noteAnswer(socket, response)
    const next = () => {
      // Where the caller has left, or the answer before was the last one of the connection, what comes
      // after is not carried out: nobody would hear of it.
      if (socket.writable) handle(request, response)
    }
    if (!before || before.closed) next()
    else before.once('close', next)
  }
}
