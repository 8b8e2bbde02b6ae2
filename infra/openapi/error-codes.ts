import { ApiError, type ErrorCode } from '../../services/common/src/errors.ts'
import { isProbe } from '../../services/common/src/http/probes.ts'
import type { AllowedRoute } from '../../services/mcp-gateway/src/allowed-routes.ts'

/** What the request as HTTP can come to on every path. */
const OF_HTTP: ErrorCode[] = [
  'malformed_request',
  'invalid_target',
  'invalid_host',
  'duplicate_header',
  'upgrade_refused',
  'invalid_request',
  'cross_site_request',
  'request_timeout',
  'target_too_long',
  'expectation_failed',
  'misdirected_request',
  'headers_too_large',
  'internal_error',
  'overloaded',
  'stopping',
  'http_version_not_supported',
]
const OF_BODY: ErrorCode[] = ['invalid_json', 'body_too_large', 'unsupported_media_type']
const NO_BODY: ErrorCode[] = ['body_not_allowed']
const OF_KEY: ErrorCode[] = ['invalid_idempotency_key', 'idempotency_conflict']
/** `not_ready`: the keys of the issuer of tokens are not there yet. */
const OF_CALLER: ErrorCode[] = ['unauthorized', 'not_ready']
const OF_SERVICE: ErrorCode[] = ['upstream_invalid', 'upstream_unavailable', 'upstream_timeout']

/** Every error that a route can come to by what the table of allowed routes says of it. */
function codesOf(route: AllowedRoute, proxied: boolean): ErrorCode[] {
  const isScope = route.access !== 'open' && route.access !== 'authenticated'
  const calls = proxied || route.writes
  const some = (holds: boolean, ...codes: ErrorCode[]) => (holds ? codes : [])
  return [
    ...OF_HTTP,
    ...(route.body ? OF_BODY : NO_BODY),
    ...(route.keyed ? OF_KEY : []),
    ...some(proxied || !isProbe(route.path), 'rate_limited'),
    ...some(route.access !== 'open', ...OF_CALLER),
    ...some(isScope, 'insufficient_scope'),
    ...some(route.path.includes('{'), 'path_not_allowed'),
    ...some(proxied, 'unknown_service'),
    ...some(calls, ...OF_SERVICE),
    ...some(route.writes, 'outcome_unknown'),
  ]
}

/** The error codes of an operation by status, in order; `own` are those that only it knows. */
export function codesByStatus(
  route: AllowedRoute,
  proxied: boolean,
  own: readonly ErrorCode[] = [],
): Map<number, ErrorCode[]> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...new Set([...codesOf(route, proxied), ...own])].sort()) {
    const { status } = new ApiError(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b))
}
