/** Codes that the services answer with, docs/API.md. Newer servers may send others. */
const SERVICE_CODES = [
  'malformed_request',
  'invalid_target',
  'invalid_host',
  'duplicate_header',
  'body_not_allowed',
  'upgrade_refused',
  'unauthorized',
  'path_not_allowed',
  'cross_site_request',
  'insufficient_scope',
  'event_type_reserved',
  'not_found',
  'unknown_service',
  'method_not_allowed',
  'request_timeout',
  'body_too_large',
  'target_too_long',
  'unsupported_media_type',
  'expectation_failed',
  'misdirected_request',
  'rate_limited',
  'headers_too_large',
  'http_version_not_supported',
  'invalid_json',
  'invalid_request',
  'invalid_idempotency_key',
  'artifacts_conflict',
  'idempotency_conflict',
  'legal_hold',
  'never_erased',
  'already_released',
  'details_erased',
  'no_subject',
  'internal_error',
  'upstream_invalid',
  'upstream_unavailable',
  'database_unavailable',
  'database_busy',
  'outcome_unknown',
  'not_recorded',
  'signing_key_missing',
  'signer_state_missing',
  'signer_refused',
  'overloaded',
  'not_ready',
  'stopping',
  'upstream_timeout',
] as const

export type ServiceErrorCode = (typeof SERVICE_CODES)[number]

/**
 * Codes of this client: `invalid_argument` (nothing was sent), `aborted` (by your signal), `deadline`
 * (timeoutMs is over), `connection` (no answer), `invalid_answer` (not what this API answers),
 * `answer_too_large`, `export_incomplete` (the export broke off), `token_unavailable` (your function for the token
 * failed, and the attempt was not sent).
 */
export type ClientErrorCode =
  | 'invalid_argument'
  | 'aborted'
  | 'deadline'
  | 'connection'
  | 'invalid_answer'
  | 'answer_too_large'
  | 'export_incomplete'
  | 'token_unavailable'

/** Every known code, and any other text: a newer server may have codes that this client does not know. */
export type ErrorCode = ServiceErrorCode | ClientErrorCode | (string & {})

/** One thing wrong with a request: where (such as `payload.risk`) and what. */
export interface ErrorItem {
  path: string
  message: string
}

/** The body of an error answer: problem details (RFC 9457) with `code` and `request_id`. */
export interface Problem {
  type: string
  title: string
  status: number
  code: ServiceErrorCode
  detail: string
  request_id: string
  errors?: ErrorItem[] | undefined
}

interface ErrorFacts {
  status?: number | undefined
  requestId?: string | undefined
  errors?: readonly ErrorItem[] | undefined
  retryAfter?: number | undefined
  outcomeUnknown?: boolean | undefined
  idempotencyKey?: string | undefined
  cause?: unknown
}

/** Everything that a call can fail with. Match on `code`; `message` is for people. */
export class GovernanceError extends Error {
  override readonly name = 'GovernanceError'
  readonly code: ErrorCode
  /** The HTTP status; undefined where there was no answer. */
  readonly status: number | undefined
  /** What the request is called in the logs and in the log entries of the services. */
  readonly requestId: string | undefined
  readonly detail: string
  readonly errors: readonly ErrorItem[]
  /** Seconds after which the service wants to be asked again. */
  readonly retryAfter: number | undefined
  /**
   * Whether the change may have been made although nobody said so: send it again with the same `idempotencyKey`, or
   * where it has none look for it (by `requestId`) first. Always false for a call that changes nothing.
   */
  readonly outcomeUnknown: boolean
  /** The key under which the change was sent; the server makes it once, however often it comes with this key. */
  readonly idempotencyKey: string | undefined

  constructor(code: ErrorCode, detail: string, facts: ErrorFacts = {}) {
    const unknown = facts.outcomeUnknown ? ' The change may or may not have been made.' : ''
    super(
      `${code}: ${detail}${unknown}`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    )
    this.code = code
    this.detail = detail
    this.status = facts.status
    this.requestId = facts.requestId
    this.errors = facts.errors ?? []
    this.retryAfter = facts.retryAfter
    this.outcomeUnknown = facts.outcomeUnknown ?? false
    this.idempotencyKey = facts.idempotencyKey
  }

  /** The same error of a change that was sent under a key, and whose earlier attempts may have made it. */
  under(idempotencyKey: string, outcomeUnknown: boolean): GovernanceError {
    const { status, requestId, errors, retryAfter, cause } = this
    const facts = { status, requestId, errors, retryAfter, cause, idempotencyKey }
    return new GovernanceError(this.code, this.detail, {
      ...facts,
      outcomeUnknown: outcomeUnknown || this.outcomeUnknown,
    })
  }
}
