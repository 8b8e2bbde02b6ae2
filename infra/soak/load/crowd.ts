import { type Crowd, deaf, dribble, sluggish, startCrowd } from '../../faults/slow/clients.ts'
import type { Ground } from './ground.ts'

/** So many connections that are slow on purpose are always there. */
const CROWD = 24

/** Clients that send head or body byte by byte, or nothing, or do not read; and readers of exports that are slow. */
export function startSlowOnes(ground: Ground): Crowd {
  const host = `Host: 127.0.0.1:${ground.port}\r\nAuthorization: Bearer ${ground.tokens.honest[0]}\r\n`
  const post = `POST /mcp-audit/log HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
  const get = `GET /mcp-audit/events HTTP/1.1\r\n${host}`
  const page = `GET /mcp-audit/events?limit=1000 HTTP/1.1\r\n${host}\r\n`
  return startCrowd(ground.port, CROWD, [
    dribble('', `${get}X-Pad: ${'x'.repeat(900)}`, 200),
    dribble(post, 'x', 200),
    deaf(''),
    deaf(get),
    deaf(`${post}{`),
    deaf(page.repeat(30)),
    sluggish(`GET /mcp-audit/export?fmt=ndjson HTTP/1.1\r\n${host}\r\n`, 250),
    dribble('', get, 500),
  ])
}
