/**
 * Moments are carried as whole microseconds since the Unix epoch in a JavaScript number, which is exact
 * until the year 2255 (2^53 µs). `Date` would drop the microseconds that are inside the hash.
 */

const RFC3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/** RFC 3339 in UTC with six decimals and `Z`: `2026-11-23T02:03:04.000005Z`. */
export function formatMicroseconds(us: number): string {
  const ms = Math.floor(us / 1000)
  const rest = us - ms * 1000
  return `${new Date(ms).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

/**
 * Microseconds of an RFC 3339 text with an offset, or null if it is none. More than six decimals are
 * cut off: nothing here is stored more exactly. Before 1684 and after 2255 it is null too: not exact.
 */
export function parseMicroseconds(text: string): number | null {
  const match = RFC3339.exec(text)
  if (!match) return null
  const [, date, time, fraction = '', offset = 'Z'] = match
  const ms = Date.parse(`${date}T${time}${offset.toUpperCase()}`)
  // Date.parse rolls 2026-02-30 over to March; such a day does not exist.
  if (Number.isNaN(ms) || new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(date?.slice(8))) {
    return null
  }
  const us = ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'))
  return Number.isSafeInteger(us) ? us : null
}
