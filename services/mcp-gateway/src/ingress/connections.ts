import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** More than `max` for the moment until somebody has left. */
const LEAVING = 64

/**
 * Lets at most so many connections be open, and no silent one keep others out: where all are taken, a new one takes the
 * place of the one that has been open longest and never asked for anything, or else of one that asks for nothing now.
 * Where all are being answered the new one is closed.
 */
export class Connections {
  readonly #max: number
  /** In the order in which they came. */
  readonly #open = new Set<Socket>()
  /** The last answer of each that has asked for something. */
  readonly #answers = new WeakMap<Socket, ServerResponse>()

  constructor(server: Server, max: number) {
    this.#max = max
    server.maxConnections = max + LEAVING
    server.on('connection', (socket) => this.#add(socket))
  }

  /** Tells of a request on a connection. */
  asked(socket: Socket, response: ServerResponse): void {
    this.#answers.set(socket, response)
  }

  #add(socket: Socket): void {
    if (this.#open.size >= this.#max) {
      const leaving = this.#silent() ?? this.#idle() ?? socket
      this.#open.delete(leaving)
      leaving.destroy()
      if (leaving === socket) return
    }
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  #silent(): Socket | undefined {
    for (const socket of this.#open) if (!this.#answers.has(socket)) return socket
    return undefined
  }

  #idle(): Socket | undefined {
    for (const socket of this.#open) if (this.#answers.get(socket)?.closed) return socket
    return undefined
  }
}
