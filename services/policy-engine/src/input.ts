import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'

export type ScalarType = 'string' | 'number' | 'integer' | 'boolean'
export type Scalar = string | number | boolean

/** A field that rules may read, as its policy file declares it. */
export interface Input {
  /** Dotted path, such as `metrics.accuracy`. */
  readonly field: string
  readonly source: 'payload' | 'aibom'
  readonly isList: boolean
  /** Type of the value, or of each element of a list. */
  readonly type: ScalarType
  /** Bounds of the value, or of each element of a list; both ends belong to it. */
  readonly min: number | undefined
  readonly max: number | undefined
  /** The only values allowed, for the value or for each element of a list. */
  readonly allowed: ReadonlySet<Scalar> | undefined
}

/** Why nothing is established about a field. */
export type Why = 'missing' | 'wrong_type' | 'out_of_range' | 'not_in_enum' | 'unverified'

export const IN_WORDS: Record<Why, string> = {
  missing: 'missing',
  wrong_type: 'of the wrong type',
  out_of_range: 'out of range',
  not_in_enum: 'none of the declared values',
  unverified: 'not from a verified AIBOM',
}

export class NotEstablished {
  readonly why: Why
  constructor(why: Why) {
    this.why = why
  }
}

/** What a request says about an input: a value as declared, or why there is none. */
export type Reading = Scalar | readonly Scalar[] | NotEstablished
export type Reader = (payload: JsonObject, evidence: JsonObject | null) => Reading

// One object for each reason: evaluation allocates nothing for a field that is not established.
const MISSING = new NotEstablished('missing')
const WRONG_TYPE = new NotEstablished('wrong_type')
const OUT_OF_RANGE = new NotEstablished('out_of_range')
const NOT_IN_ENUM = new NotEstablished('not_in_enum')
const UNVERIFIED = new NotEstablished('unverified')

/**
 * Compiles an input to a function that reads it. A field with `source: aibom` is read from the
 * verified evidence and from nowhere else.
 */
export function readerOf(input: Input): Reader {
  const path = input.field.split('.')
  if (input.source === 'payload') return (payload) => check(input, valueAt(payload, path))
  return (_payload, evidence) =>
    evidence === null ? UNVERIFIED : check(input, valueAt(evidence, path))
}

/**
 * Attacker-controlled: the object. Only own members count, so that `constructor` or `__proto__` is
 * not found unless it was sent, and lists and strings have no members such as `length`.
 */
function valueAt(root: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue = root
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = value[name] as JsonValue
  }
  return value
}

function check(input: Input, value: JsonValue | undefined): Reading {
  if (value === undefined) return MISSING
  if (!input.isList) return checkScalar(input, value)
  if (!Array.isArray(value)) return WRONG_TYPE
  for (const element of value) {
    const reading = checkScalar(input, element)
    if (reading instanceof NotEstablished) return reading
  }
  return value as Scalar[]
}

/** The value itself if it fits the declared type, bounds and enum. */
export function checkScalar(input: Input, value: JsonValue): Scalar | NotEstablished {
  if (!isOfType(input.type, value)) return WRONG_TYPE
  if (typeof value === 'number') {
    const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = input
    // Written so that NaN, which fits no comparison, is out of range as well.
    if (!(value >= min && value <= max)) return OUT_OF_RANGE
  }
  if (input.allowed && !input.allowed.has(value)) return NOT_IN_ENUM
  return value
}

/** No coercion anywhere: "1", true and [1] are not numbers, and 1.5 is not an integer. */
export function isOfType(type: ScalarType, value: JsonValue): value is Scalar {
  return type === 'integer' ? Number.isInteger(value) : typeof value === type
}
