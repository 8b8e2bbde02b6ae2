import { connect, type Socket } from 'node:net'

/** What a crowd of slow clients did to the gateway, and it to them. */
export interface Crowd {
  /** ms from the connection to its end, for those that the gateway ended. */
  endedAfter: number[]
  /** Connections that have been open for so many ms. */
  open(ms: number): number
  end(): void
}

/** How a client behaves on its socket; called once it is connected. Returns what stops it. */
type Manner = (socket: Socket) => () => void

/** Sends `head` at once and then `rest`, one byte each `ms`. */
function dribble(head: string, rest: string, ms: number): Manner {
  return (socket) => {
    if (head !== '') socket.write(head)
    let sent = 0
    const timer = setInterval(() => socket.write(rest[sent++ % rest.length] as string), ms)
    socket.resume()
    return () => clearInterval(timer)
  }
}

/**
 * Asks, and does not read what comes; after 19 s it looks whether it still has a connection, which nobody can see
 * who does not read.
 */
function deaf(bytes: string): Manner {
  return (socket) => {
    socket.pause()
    socket.write(bytes)
    const timer = setTimeout(() => socket.resume(), 19_000)
    return () => clearTimeout(timer)
  }
}

/** Asks, and reads a little each `ms`. */
function sluggish(bytes: string, ms: number): Manner {
  return (socket) => {
    socket.write(bytes)
    socket.pause()
    const timer = setInterval(() => socket.read(4_096), ms)
    return () => clearInterval(timer)
  }
}

/** Who is cut off comes again, so that there are always as many. They come over two seconds. */
function startCrowd(port: number, count: number, mannerOf: (n: number) => Manner): Crowd {
  const endedAfter: number[] = []
  const sockets = new Map<Socket, number>()
  let isOver = false
  const come = (n: number) => {
    if (isOver) return
    const startedAt = performance.now()
    const socket = connect({ port, host: '127.0.0.1' })
    let stop = () => {}
    sockets.set(socket, startedAt)
    socket.on('connect', () => {
      stop = mannerOf(n)(socket)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      stop()
      sockets.delete(socket)
      if (isOver) return
      endedAfter.push(performance.now() - startedAt)
      setTimeout(() => come(n), 500)
    })
  }
  for (let n = 0; n < count; n++) setTimeout(() => come(n), (n * 2_000) / count)
  return {
    endedAfter,
    open: (ms) => {
      const before = performance.now() - ms
      return [...sockets.values()].filter((startedAt) => startedAt < before).length
    },
    end() {
      isOver = true
      for (const socket of sockets.keys()) socket.destroy()
    },
  }
}

/** Clients that send the head, or the body, byte by byte, or never read their answers. */
export function startSlowClients(port: number, count: number): Crowd {
  const host = `Host: 127.0.0.1:${port}\r\n`
  const post = `POST /mcp-audit/log HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
  const page = `GET /mcp-audit/events?limit=1000 HTTP/1.1\r\n${host}\r\n`
  const head = dribble(
    '',
    `GET /mcp-audit/events HTTP/1.1\r\n${host}X-Pad: ${'x'.repeat(900)}`,
    200,
  )
  const body = dribble(post, 'x', 200)
  // The kernel takes some 9 MiB before a reader who does not read is noticed: a few of them are load enough.
  const reading = deaf(page.repeat(30))
  const manners = [head, body, head, body, head, body, head, body, head, reading]
  return startCrowd(port, count, (n) => manners[n % manners.length] as Manner)
}

/** Readers of exports, of whom every second one has stopped reading. */
export function startSlowReaders(port: number, count: number): Crowd {
  const bytes = `GET /mcp-audit/export?fmt=ndjson HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  const manners = [deaf(bytes), sluggish(bytes, 1_000)]
  return startCrowd(port, count, (n) => manners[n % manners.length] as Manner)
}
