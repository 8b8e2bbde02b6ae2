import { connect, type Socket } from 'node:net'

/** How a crowd of slow clients fared. Times in ms. */
export interface CrowdResult {
  /** From the connection to its end, for clients that the gateway ended. */
  endedAfter: number[]
  /** Clients that had a connection still when {@link LOOKS_AFTER} was over. */
  stuck: number
  /** Readers that read, however slowly, and were cut off. */
  readersCut: number
  /** Exports that were refused because there are too many. */
  refused: number
}

/** When a client that does not read looks whether it still has a connection, which it cannot see before. */
export const LOOKS_AFTER = 20_000
/** How long it then reads what the kernel kept for it, before it is sure that nobody ended the connection. */
const LOOKS_FOR = 1_500
/** Clients come one after the other over so many ms, and again so many ms after their end. */
const COME_OVER = 2_000
const COME_AGAIN = 500

/** How a client behaves on its socket, once it is connected. Returns what stops it. */
interface Manner {
  act: (socket: Socket) => () => void
  /** It takes its answer, and may stay as long as it likes. */
  reads: boolean
}

export interface Crowd {
  result: CrowdResult
  end(): void
}

/** Starts clients that behave in turn as `manners` say. Who is cut off comes again: there are always as many. */
export function startCrowd(port: number, count: number, manners: readonly Manner[]): Crowd {
  const result: CrowdResult = { endedAfter: [], stuck: 0, readersCut: 0, refused: 0 }
  const sockets = new Set<Socket>()
  let isOver = false
  const come = (manner: Manner) => {
    if (isOver) return
    const client = new SlowClient(port, manner, result)
    sockets.add(client.socket)
    client.socket.on('close', () => {
      sockets.delete(client.socket)
      if (isOver) return
      client.wasEnded()
      setTimeout(() => come(manner), COME_AGAIN)
    })
  }
  for (let n = 0; n < count; n++) {
    const manner = manners[n % manners.length] as Manner
    setTimeout(() => come(manner), (n * COME_OVER) / count)
  }
  return {
    result,
    end() {
      isOver = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

class SlowClient {
  readonly socket: Socket
  readonly #manner: Manner
  readonly #result: CrowdResult
  readonly #startedAt = performance.now()
  #stop = () => {}
  #isRefused = false
  #isJudged = false
  #look: NodeJS.Timeout

  constructor(port: number, manner: Manner, result: CrowdResult) {
    this.#manner = manner
    this.#result = result
    this.socket = connect({ port, host: '127.0.0.1' })
    this.socket.pause()
    this.socket.on('connect', () => {
      this.#stop = manner.act(this.socket)
    })
    this.socket.on('error', () => {})
    this.socket.once('data', (chunk) => {
      this.#isRefused = chunk.toString('latin1', 0, 12) === 'HTTP/1.1 503'
    })
    this.socket.pause()
    this.#look = setTimeout(() => this.#lookAround(), LOOKS_AFTER)
  }

  wasEnded(): void {
    this.#stop()
    clearTimeout(this.#look)
    if (this.#isJudged) return
    this.#isJudged = true
    if (this.#manner.reads) this.#result.readersCut++
    else this.#result.endedAfter.push(performance.now() - this.#startedAt)
  }

  #lookAround(): void {
    if (this.#manner.reads && !this.#isRefused) return
    this.socket.resume()
    this.#look = setTimeout(() => {
      this.#isJudged = true
      if (this.#isRefused) this.#result.refused++
      else this.#result.stuck++
      this.socket.destroy()
    }, LOOKS_FOR)
  }
}

/** Sends `head` at once and then `rest`, one byte each `ms`; reads what comes. */
export function dribble(head: string, rest: string, ms: number): Manner {
  return {
    reads: false,
    act(socket) {
      if (head !== '') socket.write(head)
      let sent = 0
      const timer = setInterval(() => socket.write(rest[sent++ % rest.length] as string), ms)
      socket.resume()
      return () => clearInterval(timer)
    },
  }
}

/** Asks, and does not read what comes. */
export function deaf(bytes: string): Manner {
  return {
    reads: false,
    act(socket) {
      socket.write(bytes)
      return () => {}
    },
  }
}

/** Asks, and takes at most 64 KiB each `ms`. */
export function sluggish(bytes: string, ms: number): Manner {
  return {
    reads: true,
    act(socket) {
      socket.write(bytes)
      socket.on('data', () => socket.pause())
      const timer = setInterval(() => socket.resume(), ms)
      return () => clearInterval(timer)
    },
  }
}
