// A crowd of slow clients in a process of its own. Its one argument is a `CrowdConfig` as JSON. Told to end, it tells a
// `CrowdResult` and ends.
import { deaf, dribble, sluggish, startCrowd } from './clients.ts'

export interface CrowdConfig {
  /** Of the gateway, on 127.0.0.1. */
  port: number
  count: number
  /** Clients that send head or body byte by byte or do not read; or readers of exports that stop, or read slowly. */
  kind: 'clients' | 'readers'
}

const { port, count, kind }: CrowdConfig = JSON.parse(process.argv[2] ?? '')
const host = `Host: 127.0.0.1:${port}\r\n`

function clients() {
  const post = `POST /mcp-audit/log HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
  const head = `GET /mcp-audit/events HTTP/1.1\r\n${host}X-Pad: ${'x'.repeat(900)}`
  const page = `GET /mcp-audit/events?limit=1000 HTTP/1.1\r\n${host}\r\n`
  const [byHead, byBody] = [dribble('', head, 200), dribble(post, 'x', 200)]
  // The kernel takes some 4 MiB of pages before anybody can see that nobody reads them. All these pages are honest
  // work, so there are few such clients: this is not about what a flood of large reads does.
  const both = Array.from({ length: 12 }, () => [byHead, byBody]).flat()
  return [...both, deaf(page.repeat(30))]
}

function readers() {
  const bytes = `GET /mcp-audit/export?fmt=ndjson HTTP/1.1\r\n${host}\r\n`
  return [deaf(bytes), sluggish(bytes, 250)]
}

const crowd = startCrowd(port, count, kind === 'clients' ? clients() : readers())
process.on('disconnect', () => process.exit(1))
process.on('message', () => {
  crowd.end()
  process.send?.(crowd.result, () => process.exit(0))
})
