import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/ports.ts'

/** An address on 127.0.0.1 that leads to one server now and to another later, as a name or a service of a cluster does. */
export interface Address {
  port: number
  /** Ends every connection through it; later ones go to this port, or nowhere. */
  leadTo(port: number | null): Promise<void>
  /** Ends everything. */
  stop(): Promise<void>
}

/** Makes an address that leads to `target`. */
export async function startAddress(target: number): Promise<Address> {
  let to: number | null = target
  const open = new Set<Socket>()
  const server = createServer((near) => {
    if (to === null) return near.destroy()
    const far = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.setNoDelay(true)
      one.on('error', () => {})
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  // Those of now: who is cut off comes back at once.
  const cut = async () => {
    const sockets = [...open]
    for (const socket of sockets) socket.destroy()
    while (sockets.some((socket) => open.has(socket))) await sleep(1)
  }
  return {
    port,
    async leadTo(next) {
      to = next
      await cut()
    },
    async stop() {
      to = null
      server.close()
      await cut()
    },
  }
}
