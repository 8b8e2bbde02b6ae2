import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { lastAnswer } from './last-answer.ts'

/** More than `max` for the moment until somebody has left. */
const LEAVING = 64

/**
 * Lets at most `max` connections be open, and no silent one keep others out: where all are taken, a new one takes the
 * place of the one that has been open longest and never asked for anything, or else of one that asks for nothing now.
 * Where all are being answered the new one is closed.
 */
export function limitConnections(server: Server, max: number): void {
  /** In the order in which they came. */
  const open = new Set<Socket>()
  const first = (isIt: (socket: Socket) => boolean) => {
    for (const socket of open) if (isIt(socket)) return socket
    return undefined
  }
  server.maxConnections = max + LEAVING
  server.on('connection', (socket) => {
    if (open.size >= max) {
      const isSilent = (one: Socket) => lastAnswer(one) === undefined
      const isIdle = (one: Socket) => lastAnswer(one)?.closed ?? false
      const leaving = first(isSilent) ?? first(isIdle) ?? socket
      open.delete(leaving)
      leaving.destroy()
      if (leaving === socket) return
    }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
}
