import type { Invariant } from './invariants.ts'

/** One line of a report. */
export interface Finding {
  what: string
  /** What was seen, with its unit. */
  figure: string
  /** Whether it is as it must be; null where it is only told. */
  holds: boolean | null
  /** The invariants that it judges. */
  invariants?: readonly Invariant[]
  /** Whether it stands in the table of all rows too. */
  isHeadline?: boolean
}

/** Whether nothing that was found is other than it must be. */
export function allHold(findings: readonly Finding[]): boolean {
  return findings.every(({ holds }) => holds !== false)
}

/** The findings as lines of a table. */
export function tableOf(findings: readonly Finding[]): string[] {
  const width = Math.max(0, ...findings.map(({ what }) => what.length))
  const marks = new Map([
    [true, 'ok  '],
    [false, 'NO  '],
    [null, '    '],
  ])
  return findings.map(
    ({ what, figure, holds }) => `${marks.get(holds)}${what.padEnd(width)}  ${figure}`,
  )
}

/** The middle and the largest of some times in ms, in words. */
export function middleAndMost(times: readonly number[]): string {
  const sorted = [...times].sort((one, other) => one - other)
  if (sorted.length === 0) return 'none'
  return `median ${sorted[sorted.length >> 1]} ms, most ${sorted.at(-1)} ms`
}

/** The value below which 99 of 100 of them lie; 0 of none. */
export function p99(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? 0
}
