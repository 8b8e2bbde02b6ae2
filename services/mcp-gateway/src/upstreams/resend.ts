import type { AllowedRoute } from '../allowed-routes.ts'

/** What is known of an attempt that failed. */
export interface Attempt {
  /** Whether a byte of the request may have left. */
  sent: boolean
  /** Whether a byte of an answer came back. */
  received: boolean
  /** Whether the connection broke, rather than that an answer was late or wrong. */
  lost: boolean
  /** How many attempts there were whose bytes may have left, this one included. */
  sentBefore: number
}

/**
 * Whether a call may be made once more, at another replica where there is one. Of what was not sent nothing
 * can have become. What was sent may have been carried out, so it goes out again, and once at most, only where
 * that is the same as once: a request that reads or asks, or a change under an Idempotency-Key, which its
 * service makes once. A change without a key is never sent twice.
 */
export function maySendAgain(
  route: Pick<AllowedRoute, 'writes' | 'keyed'>,
  hasKey: boolean,
  attempt: Attempt,
): boolean {
  if (!attempt.lost) return false
  if (!attempt.sent) return true
  if (attempt.received || attempt.sentBefore > 1) return false
  return !route.writes || (route.keyed && hasKey)
}
