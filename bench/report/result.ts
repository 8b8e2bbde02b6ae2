import { readFileSync } from 'node:fs'
import type { Figure, Ratio, Skipped } from './figures.ts'
import type { Machine } from './machine.ts'

const FORMAT = 1

/** All that a run leaves behind: what `--json` writes and `--against` reads. */
export interface Result {
  format: typeof FORMAT
  machine: Machine
  /** How it was measured: rounds, seconds of each, and what made the load. */
  settings: { rounds: number; seconds: number; load: string; records: number }
  subjects: SubjectResult[]
}

export interface SubjectResult {
  subject: string
  figures: Figure[]
  skipped: Skipped[]
  /** Why there is no figure, where it failed. */
  failed?: string
}

/** Whether all that was to be measured was: nothing failed, and nothing was skipped for want of a program. */
export function isComplete({ subjects }: Result): boolean {
  return subjects.every(({ failed, skipped }) => failed === undefined && skipped.length === 0)
}

export function makeResult(parts: Omit<Result, 'format'>): Result {
  return { format: FORMAT, ...parts }
}

/**
 * Reads what an earlier run wrote.
 *
 * @throws Error with a sentence for a person where the file is not there or holds something else
 */
export function readResult(file: string): Result {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(
      `${file} cannot be read as the JSON of an earlier run: ${(error as Error).message}`,
    )
  }
  if (!isResult(parsed)) {
    throw new Error(`${file} was not written by --json of npm run bench, or by an older form of it`)
  }
  return parsed
}

/** As much as a comparison relies on. */
function isResult(value: unknown): value is Result {
  const { format, machine, settings, subjects } = members(value)
  return (
    format === FORMAT &&
    typeof members(machine).cpu === 'string' &&
    typeof members(settings).load === 'string' &&
    isListOf(subjects, isSubject)
  )
}

function isSubject(value: unknown): value is SubjectResult {
  const { subject, figures } = members(value)
  return typeof subject === 'string' && isListOf(figures, isFigure)
}

function isFigure(value: unknown): value is Figure {
  const { name, what, ratios = [] } = members(value)
  return typeof name === 'string' && typeof what === 'string' && isListOf(ratios, isRatio)
}

function isRatio(value: unknown): value is Ratio {
  const { of, values } = members(value)
  return typeof of === 'string' && isListOf(values, (one) => typeof one === 'number')
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne)
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
