import { ApiError } from '@ai-governance/common/errors'

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

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}

/** Whether the connection broke under a call. */
export function isLost(error: Error): boolean {
  return LOST.has(codeOf(error))
}

/** Whether there was never a connection for a call. */
export function isNotConnected(error: Error): boolean {
  return NOT_CONNECTED.has(codeOf(error))
}

/** Either of the two. */
export function isBroken(error: Error): boolean {
  return isLost(error) || isNotConnected(error)
}

/** The error to answer with where a change may have been carried out, or not. */
export function unknownOutcome(cause: Error): ApiError {
  return new ApiError('outcome_unknown', WHAT_NOW, { cause })
}

/**
 * The error to answer with when a call to a service failed with `error`, which stays in the log. `writes`
 * says whether the call may have changed something.
 */
export function upstreamFault(error: Error, writes: boolean): ApiError {
  if (error instanceof ApiError) return error
  const options = { cause: error }
  if (isNotConnected(error)) return new ApiError('upstream_unavailable', undefined, options)
  if (writes && isLost(error)) return unknownOutcome(error)
  const slow = TOO_SLOW.has(codeOf(error)) || error.name === 'TimeoutError'
  return new ApiError(slow ? 'upstream_timeout' : 'upstream_invalid', undefined, options)
}
