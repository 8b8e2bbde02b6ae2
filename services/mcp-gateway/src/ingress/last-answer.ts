import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LAST_ANSWER = Symbol('last answer')

type Asked = Socket & { [LAST_ANSWER]?: ServerResponse }

/** The answer to the last request of a connection, over or not; undefined where nothing was ever asked. */
export function lastAnswer(socket: Asked): ServerResponse | undefined {
  return socket[LAST_ANSWER]
}

/** Notes a request on a connection. */
export function noteAnswer(socket: Asked, response: ServerResponse): void {
  socket[LAST_ANSWER] = response
}
