import { NotEstablished, type Reading, type Scalar, type Why } from './input.ts'
import type { Place } from './load/load-problem.ts'

export type Operator = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'ne' | 'in' | 'not_in' | 'contains'

/** Three values: null means that the fields needed to tell are not established. */
export type Truth = boolean | null

/** One comparison that decided a rule. `why` is there if the field is not established. */
export interface Because {
  line: number
  field: string
  op: string
  expected: Scalar | readonly Scalar[]
  actual: Scalar | readonly Scalar[] | null
  why?: Why
}

/** A compiled condition over the readings of all fields of a policy set. */
export interface Condition {
  judge(readings: readonly Reading[]): Truth
  /** Adds the comparisons that gave the condition its value. */
  explain(readings: readonly Reading[], into: Because[]): void
}

export interface Comparison {
  /** Index of the field's reading. */
  readonly slot: number
  readonly field: string
  readonly op: Operator
  readonly expected: Scalar | readonly Scalar[]
  readonly at: Place
}

export function compare(comparison: Comparison): Condition {
  const { slot, field, op, at } = comparison
  const test = testOf(op, comparison.expected)
  const expected = shown(comparison.expected)
  return {
    judge(readings) {
      const actual = readings[slot]!
      return actual instanceof NotEstablished ? null : test(actual)
    },
    explain(readings, into) {
      const actual = readings[slot]!
      into.push(
        actual instanceof NotEstablished
          ? { line: at.line, field, op, expected, actual: null, why: actual.why }
          : { line: at.line, field, op, expected, actual: shown(actual) },
      )
    },
  }
}

/** False if any part is false, true if all are true, else not established. */
export function allOf(parts: readonly Condition[]): Condition {
  return combine(parts, false)
}

/** True if any part is true, false if all are false, else not established. */
export function anyOf(parts: readonly Condition[]): Condition {
  return combine(parts, true)
}

/** `decisive` is the value of one part that decides the whole, whatever the others are. */
function combine(parts: readonly Condition[], decisive: boolean): Condition {
  const judge = (readings: readonly Reading[]): Truth => {
    let truth: Truth = !decisive
    for (const part of parts) {
      const value = part.judge(readings)
      if (value === decisive) return decisive
      if (value === null) truth = null
    }
    return truth
  }
  return {
    judge,
    // The parts that have the value of the whole are those that gave it.
    explain(readings, into) {
      const truth = judge(readings)
      for (const part of parts) if (part.judge(readings) === truth) part.explain(readings, into)
    },
  }
}

/**
 * The test of an operator for a value that is established. Nothing is coerced: the loader has made
 * sure that `expected` is of the field's type, and a reading of another type is not established.
 */
export function testOf(
  op: Operator,
  expected: Scalar | readonly Scalar[],
): (actual: Scalar | readonly Scalar[]) => boolean {
  switch (op) {
    case 'gt':
      return (actual) => actual > expected
    case 'gte':
      return (actual) => actual >= expected
    case 'lt':
      return (actual) => actual < expected
    case 'lte':
      return (actual) => actual <= expected
    case 'eq':
      return (actual) => actual === expected
    case 'ne':
      return (actual) => actual !== expected
    case 'contains':
      return (actual) => Array.isArray(actual) && actual.includes(expected)
    case 'in':
    case 'not_in': {
      const set = setOf(expected as readonly Scalar[])
      return op === 'in' ? (actual) => set.has(actual) : (actual) => !set.has(actual)
    }
  }
}

/** Rules that name one threshold share its list, and so the set of it. */
const sets = new WeakMap<readonly Scalar[], ReadonlySet<unknown>>()

function setOf(list: readonly Scalar[]): ReadonlySet<unknown> {
  const known = sets.get(list)
  if (known) return known
  const set = new Set<unknown>(list)
  sets.set(list, set)
  return set
}

const MAX_SHOWN_CHARACTERS = 200
const MAX_SHOWN_ELEMENTS = 20

/**
 * A value as an explanation shows it. Long ones are cut: a request of 1 MiB that a hundred rules
 * read would otherwise be answered with 100 MiB, and a long list of a policy with every answer.
 */
export function shown(actual: Scalar | readonly Scalar[]): Scalar | readonly Scalar[] {
  if (typeof actual === 'string') return cut(actual)
  if (typeof actual !== 'object') return actual
  const first = actual.slice(0, MAX_SHOWN_ELEMENTS)
  const elements = first.map((element) => (typeof element === 'string' ? cut(element) : element))
  return actual.length > MAX_SHOWN_ELEMENTS ? [...elements, '…'] : elements
}

function cut(text: string): string {
  if (text.length <= MAX_SHOWN_CHARACTERS) return text
  // A pair of surrogates cut in half could not be written as canonical JSON.
  return `${text.slice(0, MAX_SHOWN_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '')}…`
}
