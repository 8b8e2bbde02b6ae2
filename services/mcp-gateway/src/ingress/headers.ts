import { traceHeaders } from '@ai-governance/common/observability/trace-context'
import { isNdjson } from '@ai-governance/common/requests/json-body'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import type { AllowedRoute } from '../allowed-routes.ts'
import type { RequestHead } from './request-head.ts'
import type { Visit } from './visit.ts'

/**
 * Header fields of an answer that a caller gets to see. Everything else stays inside: hop-by-hop fields,
 * cookies, `Server`, `Location`, and the security headers of the service, because the gateway sets its own.
 */
const PASSED_ON = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-disposition',
  'cache-control',
  'vary',
  'etag',
  'allow',
  'retry-after',
  'link',
  'idempotency-replayed',
]

/** The header fields of a service's answer that are passed on, as name and value in turn. */
export function answerHeaders(upstream: IncomingHttpHeaders, service: string): string[] {
  const headers: string[] = []
  for (const name of PASSED_ON) {
    const value = upstream[name]
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    headers.push(name, name === 'link' ? throughGateway(text, service) : text)
  }
  return headers
}

/** A service links to its own paths (`</events?before=5>; rel="next"`, RFC 8288); callers add its name. */
function throughGateway(link: string, service: string): string {
  return link.replace(/<\/(?!\/)/g, `</${service}/`)
}

/** Of `Accept` and `Accept-Encoding`: what undici and every service can read. */
const PLAIN_TEXT = /^[\t\x20-\x7e]{1,1000}$/

/**
 * The header fields of a request to a service, name and value in turn. Of what the caller wrote in its header
 * nothing gets there but this: a list of what to drop is never complete (`X-Forwarded-*`, `X_MCP_*`, names in
 * `Connection`, …), while a service needs none of it. undici adds `Host` and `Content-Length`.
 */
export function requestHeaders(head: RequestHead, route: AllowedRoute): string[] {
  const headers = ['x-request-id', head.id, ...traceHeaders(head.trace)]
  if (route.body) {
    const type = isNdjson(head.contentType) ? 'application/x-ndjson' : 'application/json'
    headers.push('content-type', type)
  }
  if (route.keyed && head.idempotencyKey !== undefined) {
    headers.push('idempotency-key', head.idempotencyKey)
  }
  if (head.accept && PLAIN_TEXT.test(head.accept)) headers.push('accept', head.accept)
  // Answers pass as they are: only where the service compresses, and the caller asked for it.
  if (route.streams && head.acceptEncoding && PLAIN_TEXT.test(head.acceptEncoding)) {
    headers.push('accept-encoding', head.acceptEncoding)
  }
  return headers
}

/** What of a call is signed: see `SignedCall`. */
interface Forwarded {
  upstream: { name: string }
  route: AllowedRoute
  target: string
  body: Buffer | null
}

/**
 * {@link requestHeaders}, and who calls, signed. Made anew for every attempt, since a signature counts once. Where
 * nobody had to be known, which is on open routes, nobody is named.
 */
export function forwardedHeaders(visit: Visit, call: Forwarded): string[] {
  const { head, caller } = visit
  const { upstream, route, target, body } = call
  const headers = requestHeaders(head, route)
  if (!caller) return headers
  const signed = { service: upstream.name, requestId: head.id, method: route.method, target, body }
  headers.push(...visit.sign(caller, signed))
  return headers
}
