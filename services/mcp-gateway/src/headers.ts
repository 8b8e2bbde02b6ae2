import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'

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
  'etag',
  'allow',
  'retry-after',
  'link',
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

/**
 * The header fields of a request to a service. Nothing that the caller wrote in a header gets there but
 * the checked request id: a list of what to drop is never complete (`X-Forwarded-*`, `X_MCP_*`, names in
 * `Connection`, …), while a service needs none of it. undici adds `Host` and `Content-Length`.
 */
export function requestHeaders(requestId: string, hasBody: boolean): string[] {
  return hasBody
    ? ['x-request-id', requestId, 'content-type', 'application/json']
    : ['x-request-id', requestId]
}
