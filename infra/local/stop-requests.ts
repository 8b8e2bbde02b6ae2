import type { EventEmitter } from 'node:events'

const sameRequestMs = 1_000

/**
 * A person's wish to stop: `first` is aborted by the first SIGINT, SIGTERM or SIGHUP, `second` by one
 * that comes more than a second later. In between they count as the same request, because one Ctrl-C
 * arrives twice: from the terminal, and passed on by npm.
 *
 * @param now milliseconds of a clock that never goes back
 */
export function stopRequests(
  source: EventEmitter,
  now: () => number = () => performance.now(),
): { first: AbortSignal; second: AbortSignal } {
  const first = new AbortController()
  const second = new AbortController()
  let since: number | undefined
  const request = () => {
    if (since === undefined) {
      since = now()
      first.abort()
    } else if (now() - since > sameRequestMs) {
      second.abort()
    }
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) source.on(name, request)
  return { first: first.signal, second: second.signal }
}
