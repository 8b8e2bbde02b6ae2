import { z } from 'zod'

/**
 * Every error that a client can meet: its code, its HTTP status and its title. A code is a promise
 * (clients match on it); a title is for people. Nothing else in the stack invents a code.
 */
const catalogue = {
  // The request as HTTP
  malformed_request: [400, 'The request is not well-formed HTTP'],
  invalid_target: [400, 'The request target is not in the one accepted form'],
  invalid_host: [400, 'The Host header is missing, repeated or malformed'],
  duplicate_header: [400, 'A header that may come once was sent twice'],
  body_not_allowed: [400, 'This request takes no body'],
  upgrade_refused: [400, 'Protocol upgrades are not supported'],
  unauthorized: [401, 'Valid credentials are required'],
  path_not_allowed: [403, 'This path is not served here'],
  cross_site_request: [403, 'Requests from other web sites are refused'],
  insufficient_scope: [403, 'The caller may not do this'],
  event_type_reserved: [403, 'This event type is written by the control plane alone'],
  not_found: [404, 'There is nothing here'],
  unknown_service: [404, 'There is no service of this name'],
  method_not_allowed: [405, 'This path does not take this method'],
  request_timeout: [408, 'The request did not arrive in time'],
  body_too_large: [413, 'The body is larger than this path takes'],
  target_too_long: [414, 'The request target is too long'],
  unsupported_media_type: [415, 'The body must be application/json in UTF-8, not encoded'],
  expectation_failed: [417, 'Only the expectation 100-continue is supported'],
  misdirected_request: [421, 'This server does not answer for that host'],
  rate_limited: [429, 'Too many requests: come back later'],
  headers_too_large: [431, 'The request line and headers are too large'],
  http_version_not_supported: [505, 'HTTP/1.0 and HTTP/1.1 are supported'],
  // The request as JSON
  invalid_json: [400, 'The body is not acceptable JSON'],
  invalid_request: [400, 'The request does not fit what this path takes'],
  invalid_idempotency_key: [400, 'An Idempotency-Key is 1 to 200 visible ASCII characters'],
  // The state of things
  artifacts_conflict: [409, 'This model version is registered with other artifacts'],
  idempotency_conflict: [409, 'This Idempotency-Key was used for another request'],
  legal_hold: [409, 'A legal hold keeps these details'],
  never_erased: [409, 'Entries of this type are never erased'],
  already_released: [409, 'This hold is released already'],
  details_erased: [409, 'The details of this entry were erased'],
  no_subject: [409, 'The decision names no artifact by its digest'],
  // What goes wrong on our side: these never carry a message from inside
  internal_error: [500, 'Something went wrong inside'],
  upstream_invalid: [502, 'A service behind the gateway gave no usable answer'],
  upstream_unavailable: [503, 'A service behind the gateway is not reachable'],
  database_unavailable: [503, 'The database is not reachable'],
  database_busy: [503, 'The database did not answer in time'],
  outcome_unknown: [503, 'The connection was lost while the change was being committed'],
  not_recorded: [503, 'The decision could not be recorded, so there is none'],
  signing_key_missing: [503, 'There is no key to sign checkpoints with'],
  signer_state_missing: [503, 'The state of the signer is missing'],
  signer_refused: [503, 'The signer does not vouch for this database'],
  overloaded: [503, 'Too many requests are waiting'],
  not_ready: [503, 'The service is not ready'],
  stopping: [503, 'The service is stopping'],
  upstream_timeout: [504, 'A service behind the gateway did not answer in time'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof catalogue

/** Every code, in the order of the catalogue. */
export const ERROR_CODES = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]]

/** The body of every error answer: RFC 9457 problem details with `code` and `request_id`. */
export const ProblemAnswer = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(ERROR_CODES),
  detail: z.string(),
  request_id: z.string(),
  /** What is wrong with the request: where (a JSON path such as `payload.risk`) and what. */
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
})

/** The body of an error answer. */
export type Problem = z.infer<typeof ProblemAnswer>

/** One thing wrong with a request. */
export type ErrorItem = NonNullable<Problem['errors']>[number]

/** An error that a client is told about. `detail` is a sentence that is safe to show to anybody. */
export class ApiError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly detail: string
  readonly errors: ErrorItem[] | undefined
  readonly headers: Record<string, string>

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { errors?: ErrorItem[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    const [status, title] = catalogue[code]
    // What a client is told has a code and, where we are at fault, a cause with a stack of its own. Taking one here too
    // was a tenth of the processor time of a refusal at the gateway.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail ?? title, options.cause === undefined ? undefined : { cause: options.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ApiError'
    this.code = code
    this.status = status
    this.detail = detail ?? title
    this.errors = options.errors
    // Whoever is told to come back later is told when (RFC 9110 §10.2.3): 1 second.
    this.headers = { ...(status === 503 && { 'retry-after': '1' }), ...options.headers }
  }

  /** The problem details of this error (RFC 9457 §3) for one request. */
  problem(requestId: string): Problem {
    return {
      type: 'about:blank',
      title: catalogue[this.code][1],
      status: this.status,
      code: this.code,
      detail: this.detail,
      request_id: requestId,
      ...(this.errors && { errors: this.errors }),
    }
  }
}
