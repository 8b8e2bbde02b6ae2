const first = 200
const longest = 5_000
const healthy = 30_000

/**
 * Milliseconds to wait before the next start of a program that ended: doubling from 0.2 s to 5 s, from
 * the beginning again once it had been ready for 30 s.
 */
export function nextDelay(previous: number | undefined, readyForMs: number): number {
  if (previous === undefined || readyForMs >= healthy) return first
  return Math.min(previous * 2, longest)
}
