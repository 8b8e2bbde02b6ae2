// Without the year 0, which is the year 1 before Christ to some and none to others.
const WIRE = /^(?!0000)(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.(\d{3})(\d{3})Z$/

/**
 * Microseconds since the Unix epoch of a time as it stands in an entry: RFC 3339 in UTC with six
 * decimals and `Z`. Null for every other form, also for a day or an hour that does not exist.
 */
export function parseWireTime(text: string): bigint | null {
  const match = WIRE.exec(text)
  if (!match) return null
  const [, seconds, millis, micros] = match
  const ms = Date.parse(`${seconds}.${millis}Z`)
  // Some days that do not exist are rolled over to the next month instead of refused.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(seconds as string)) return null
  return BigInt(ms) * 1000n + BigInt(micros as string)
}
