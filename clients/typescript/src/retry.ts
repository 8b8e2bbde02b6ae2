import type { GovernanceError } from './errors.ts'

/**
 * What a call does if it is carried out twice: `reads` changes nothing, `writes` does, and `keyed` changes something
 * once, because the server knows it again by its `Idempotency-Key`.
 */
export type Effect = 'reads' | 'writes' | 'keyed'

const READ_AGAIN: readonly unknown[] = [429, 502, 503, 504]
/** What only a person can mend. */
const LASTING: readonly unknown[] = [
  'signing_key_missing',
  'signer_state_missing',
  'signer_refused',
]
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 10_000
/** Seconds, later than any deadline. */
const LONGEST_RETRY_AFTER = 2 ** 31

/**
 * Whether a call that failed may be sent again. What reads, or has a key, may where the fault can pass; what writes
 * may only where the answer says that nothing was changed (docs/API.md: 429, and 503 with any code but
 * `outcome_unknown`).
 */
export function mayRetry(error: GovernanceError, effect: Effect): boolean {
  if (LASTING.includes(error.code)) return false
  if (effect !== 'writes') {
    return error.code === 'connection' || READ_AGAIN.includes(error.status)
  }
  return !error.outcomeUnknown && (error.status === 429 || error.status === 503)
}

/**
 * Whether a change may have been made although the call failed. `code` is null where the answer was not
 * problem details: what is between client and gateway cannot know. A 4xx changes nothing, nor does a 503
 * that a service explains; everything else is open.
 */
export function isOutcomeUnknown(status: number | undefined, code: string | null): boolean {
  if (status !== undefined && status >= 400 && status < 500) return false
  return !(status === 503 && code !== null && code !== 'outcome_unknown')
}

/**
 * How long to wait before attempt `attempt + 1`, in ms: exponential with full jitter, so that clients
 * that failed together do not come back together, and never before what `Retry-After` says (seconds).
 * `random` is from 0 up to 1.
 */
export function waitBefore(
  attempt: number,
  retryAfter: number | undefined,
  random: number,
): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
  return (retryAfter ?? 0) * 1000 + random * ceiling
}

/** Seconds that a `Retry-After` header (RFC 9110 §10.2.3) asks for, whole or as a date after `now` in ms. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^[0-9]+$/.test(header)) return Math.min(Number(header), LONGEST_RETRY_AFTER)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
