import { randomUUID } from 'node:crypto'

/** What a request id may be. */
export const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The caller's `X-Request-ID` where it is safe to log, store and echo, else one of our own. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}
