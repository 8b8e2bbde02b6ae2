import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { ApiError } from '@ai-governance/common/errors'
import { type Dispatcher, Pool } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import type { Directory } from './directory.ts'
import type { Limits } from './limits.ts'

/** One service behind the gateway and the connections to it. */
export interface Upstream {
  name: string
  origin: string
  pool: Pool
  /** For answers of any size that are sent at the pace of the reader. */
  streams: Pool
  /** For asking whether it is ready, also while all other connections are in use. */
  probes: Pool
}

export type Upstreams = ReadonlyMap<string, Upstream>

/**
 * Resolves a name to all its addresses in random order, so that connections spread over the replicas of a
 * service, and one that is gone is passed over: Node tries the next address. The resolver alone would not
 * do it: getaddrinfo sorts what DNS rotates (RFC 6724 §6), and the same replica would always come first.
 */
export const lookupSpread: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '')
    const order = addresses
      .map((address) => ({ address, place: Math.random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ address }) => address)
    const first = order[0] as (typeof order)[number]
    if (options.all) callback(null, order)
    else callback(null, first.address, first.family)
  })
}

/**
 * Opens the pools; connections are made on demand. undici's pools, unlike `fetch` and its global agent,
 * follow no redirect and read no proxy variable.
 */
export function openUpstreams(directory: Directory, limits: Limits): Upstreams {
  const options = {
    pipelining: 1,
    allowH2: false,
    connect: { timeout: limits.connect, lookup: lookupSpread },
    clientTtl: limits.connectionAge,
    // The wait for the head is measured by the caller, because it includes the wait for a connection.
    headersTimeout: 0,
    bodyTimeout: limits.answerIdle,
  }
  return new Map(
    [...directory].map(([name, origin]) => [
      name,
      {
        name,
        origin,
        pool: new Pool(origin, {
          ...options,
          connections: limits.connections,
          maxResponseSize: limits.answerBytes,
        }),
        streams: new Pool(origin, { ...options, connections: limits.streamConnections }),
        probes: new Pool(origin, { ...options, connections: 1 }),
      },
    ]),
  )
}

export async function closeUpstreams(upstreams: Upstreams): Promise<void> {
  const pools = [...upstreams.values()].flatMap(({ pool, streams, probes }) => [
    pool,
    streams,
    probes,
  ])
  await Promise.all(pools.map((pool) => pool.destroy()))
}

/**
 * A request of the gateway's own, with its whole answer as text. Rejects with a `TimeoutError` after `ms`:
 * the signal alone would not end the wait for a free connection.
 */
export async function ask(
  pool: Pool,
  request: Pick<Dispatcher.RequestOptions, 'method' | 'path' | 'headers' | 'body'>,
  ms: number,
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const signal = AbortSignal.timeout(ms)
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  const answer = pool
    .request({ ...request, signal })
    .then(async ({ statusCode, headers, body }) => ({
      status: statusCode,
      headers,
      text: await body.text(),
    }))
  return Promise.race([answer, late])
}

/** Errors with which there was never a connection: nothing was sent. */
const NOT_CONNECTED = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** Errors with which a connection ends: of a call that was sent nobody knows whether it was carried out. */
const LOST = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_DESTROYED'])
const TOO_SLOW = new Set(['UND_ERR_BODY_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT'])

const WHAT_NOW =
  'the connection to the service was lost before its answer: look whether the change is there, or, if the ' +
  'request had an Idempotency-Key, send it again with the same one'

/** Whether the connection broke under a call. */
export function isLost(error: Error): boolean {
  return 'code' in error && LOST.has(String(error.code))
}

/**
 * The error to answer with when a call to a service failed with `error`, which stays in the log. `writes`
 * says whether the call may have changed something.
 */
export function upstreamFault(error: Error, writes: boolean): ApiError {
  const code = 'code' in error ? String(error.code) : ''
  const options = { cause: error }
  if (NOT_CONNECTED.has(code)) return new ApiError('upstream_unavailable', undefined, options)
  if (writes && isLost(error)) return new ApiError('outcome_unknown', WHAT_NOW, options)
  const slow = TOO_SLOW.has(code) || error.name === 'TimeoutError'
  return new ApiError(slow ? 'upstream_timeout' : 'upstream_invalid', undefined, options)
}
