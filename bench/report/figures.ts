import type { Goal } from '../goals.ts'

/** One thing that was measured of one contender. */
export interface Figure {
  /** Whose it is, such as "POST /log at the service, 64". Together with `what` it is unique within its subject. */
  name: string
  what: string
  unit: string
  /** One value a round. */
  values: number[]
  ratios?: Ratio[]
  /** Of the figure itself; goals of a ratio stand there. */
  goal?: Goal
}

/** A figure beside a floor that took turns with it. */
export interface Ratio {
  of: string
  /** One a round: the figure of the round divided by the floor of the same round. */
  values: number[]
  goal?: Goal
}

export interface Interval {
  least: number
  median: number
  most: number
}

/** What a floor that is missing could not be measured for. */
export interface Skipped {
  name: string
  /** What would have to be there, as a sentence's end: "wrk (Debian: wrk)". */
  needs: string
}

/**
 * Figure ÷ floor, round by round, as the list of one ratio; an empty list where the floor was not measured. Rounds are
 * paired because a slow moment of the machine hits both sides of a round alike, and so leaves its ratio alone.
 */
export function ratioTo(
  of: string,
  values: readonly number[],
  floor: readonly number[] | undefined,
  goal?: Goal,
): Ratio[] {
  if (!floor) return []
  if (floor.length !== values.length) throw new Error(`${of}: rounds that are not pairs`)
  return [{ of, values: values.map((value, i) => value / floor[i]!), ...(goal && { goal }) }]
}

/**
 * The stated spread: from the smallest to the largest of all rounds, none left out.
 */
export function intervalOf(values: readonly number[]): Interval {
  return { least: Math.min(...values), median: median(values), most: Math.max(...values) }
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value that the given share of the others does not exceed; NaN of none. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
