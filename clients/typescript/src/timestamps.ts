// Without the year 0, which is the year 1 before Christ to some and none to others.
const WIRE = /^(?!0000)(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\.(\d{3})(\d{3})Z$/

/** The day that was asked for last, which is mostly the day that is asked for next. */
let lastDay = { text: '', ms: null as number | null }

/**
 * Microseconds since the Unix epoch of a time as it stands in an entry: RFC 3339 in UTC with six
 * decimals and `Z`. Null for every other form, also for a day or an hour that does not exist.
 */
export function parseWireTime(text: string): bigint | null {
  const match = WIRE.exec(text)
  if (!match) return null
  const [, day, hours, minutes, seconds, millis, micros] = match as unknown as string[]
  if (day !== lastDay.text) lastDay = { text: day as string, ms: startOf(day as string) }
  if (lastDay.ms === null) return null
  const ms =
    lastDay.ms +
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 +
    Number(millis)
  return BigInt(ms) * 1000n + BigInt(micros as string)
}

/** When a day of the calendar begins, in ms since the Unix epoch; null if there is no such day. */
function startOf(day: string): number | null {
  const ms = Date.parse(`${day}T00:00:00.000Z`)
  // Some days that do not exist are rolled over to the next month instead of refused.
  return Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(day) ? null : ms
}
