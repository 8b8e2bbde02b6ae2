import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../errors.ts'
import { isHost } from '../requests/host-check.ts'
import { isProbe } from './probes.ts'

/** Header fields of one request; more are refused. */
export const MAX_HEADERS = 100
const VERSIONS = ['1.1', '1.0']
/** Node takes `RTSP/1.0` for HTTP/1.0, and these methods only there. Of GET and POST it does not say which it was. */
const METHODS_OF_RTSP = new Set([
  'ANNOUNCE',
  'DESCRIBE',
  'FLUSH',
  'GET_PARAMETER',
  'PAUSE',
  'PLAY',
  'RECORD',
  'REDIRECT',
  'SETUP',
  'SET_PARAMETER',
  'TEARDOWN',
])
/** Fields of which a second one could be the one that somebody else reads. */
const SINGLE = new Set(['authorization', 'content-type', 'idempotency-key'])

/** `http_version_not_supported` where a request is not HTTP/1.0 or 1.1: Node answers HTTP/0.9 and HTTP/2.0 as if it were. */
export function versionFault({ httpVersion, method }: IncomingMessage): ErrorCode | null {
  const known = VERSIONS.includes(httpVersion) && !METHODS_OF_RTSP.has(method ?? '')
  return known ? null : 'http_version_not_supported'
}

/** What is wrong with a field that says how a request travels; null for every other. `name` in lower case. */
export function transferFault(name: string, value: string, httpVersion: string): ErrorCode | null {
  switch (name) {
    case 'transfer-encoding':
      // Node lets `gzip, chunked` pass, and chunked in HTTP/1.0 (RFC 9112 §6.1).
      return httpVersion === '1.1' && value.toLowerCase() === 'chunked' ? null : 'malformed_request'
    case 'upgrade':
      return 'upgrade_refused'
    case 'expect':
      return value.toLowerCase() === '100-continue' ? null : 'expectation_failed'
    default:
      return null
  }
}

/**
 * Every request names one host, probes too, though theirs may be any; only a probe in HTTP/1.0 may name none
 * (RFC 9112 §3.2). What a single host of another request looks like is checked with what it names.
 */
export function hostFormFault(
  { url, httpVersion }: IncomingMessage,
  hosts: number,
  host: string | undefined,
): ErrorCode | null {
  if (hosts === 1 && !isProbe(url)) return null
  if (hosts > 1) return 'invalid_host'
  if (host === undefined) return isProbe(url) && httpVersion === '1.0' ? null : 'invalid_host'
  return isHost(host) ? null : 'invalid_host'
}

/**
 * What is wrong with a request as HTTP that Node's parser lets through; null where nothing is. Its connection is not
 * to be used again. Reads `rawHeaders`, because `headers` hides what came twice. Attacker-controlled.
 */
export function httpFault(request: IncomingMessage): ErrorCode | null {
  const { rawHeaders, httpVersion, url = '' } = request
  if (rawHeaders.length > 2 * MAX_HEADERS) return 'headers_too_large'
  let fault = versionFault(request)
  const seen: string[] = []
  let hosts = 0
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = rawHeaders[i + 1] as string
    fault ??= transferFault(name, value, httpVersion)
    if (name === 'host') {
      hosts++
      host = value
    } else if (SINGLE.has(name)) {
      if (seen.includes(name)) fault ??= 'duplicate_header'
      seen.push(name)
    }
  }
  fault ??= hostFormFault(request, hosts, host)
  // The absolute form would be routed by its path, whatever host it names.
  return fault ?? (url.startsWith('/') ? null : 'invalid_target')
}
