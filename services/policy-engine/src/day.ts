/** A UTC day at which a rule starts or stops to be in force; the day belongs to its time. */
export interface Day {
  /** Days since 1970-01-01. */
  readonly number: number
  /** As written, `YYYY-MM-DD`. */
  readonly text: string
  readonly line: number
}

const MS_PER_DAY = 86_400_000

/** The UTC day of a point in time, in days since 1970-01-01; NaN for an invalid date. */
export function dayNumber(time: Date): number {
  return Math.floor(time.getTime() / MS_PER_DAY)
}

/** Reads `YYYY-MM-DD` to a day number; null if the calendar has no such day. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const time = new Date(`${text}T00:00:00Z`)
  // 30 February is parsed as 2 March.
  const isReal = !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)
  return isReal ? dayNumber(time) : null
}

export function dayText(number: number): string {
  return new Date(number * MS_PER_DAY).toISOString().split('T')[0]!
}
