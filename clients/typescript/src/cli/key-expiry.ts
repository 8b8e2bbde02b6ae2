import { usage } from './exit.ts'

const DAY_MS = 86_400_000
export const DEFAULT_DAYS = 90
const MOST_DAYS = 3_650
/** RFC 3339 §5.6 as the services read it: capital T and Z. */
const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Whether a value is a time in RFC 3339, of a day that there is. */
export function isTime(value: unknown): value is string {
  const match = typeof value === 'string' ? TIME.exec(value) : null
  if (!match) return false
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

/**
 * When a key expires that is made `now`: in some days (`90d`), at a time (RFC 3339), or never (null). Fails with
 * exit code 2 for anything else, and for what is past.
 */
export function expiryOf(text: string | undefined, now: Date): string | null {
  if (text === 'never') return null
  const days = text === undefined ? DEFAULT_DAYS : Number(/^(\d{1,4})d$/.exec(text)?.[1] ?? 0)
  if (days >= 1 && days <= MOST_DAYS) return new Date(now.getTime() + days * DAY_MS).toISOString()
  if (text !== undefined && isTime(text)) {
    const at = Date.parse(text)
    if (at > now.getTime()) return new Date(at).toISOString()
    throw usage('--expires is a time that is past.')
  }
  throw usage(
    `--expires is a number of days from 1d to ${MOST_DAYS}d, a time such as 2027-03-31T00:00:00Z, or never.`,
  )
}
