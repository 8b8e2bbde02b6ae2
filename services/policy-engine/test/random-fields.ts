import type { JsonValue } from '@ai-governance/common/formats/canonical-json'

/* A fixed catalogue of fields of every type and depth, and values for them. */

export type Scalar = string | number | boolean
export interface Field {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'list'
  items?: 'string' | 'number'
  enum?: Scalar[]
  min?: number
  max?: number
  source?: 'aibom'
}
export type Inputs = Record<string, Field>

export const SCALE = { min: 0, max: 4 }
const SCALED: Field = { type: 'number', ...SCALE }

/** The factors of the matrix, which need no declaration. */
export const RISK_FIELDS: Inputs = { 'risk.f': SCALED, 'risk.g': SCALED }

export const INPUTS: Inputs = {
  s: { type: 'string' },
  'o.e': { type: 'string', enum: ['a', 'b', 'c'] },
  n: { type: 'number' },
  'o.share': { type: 'number', min: 0, max: 1 },
  k: { type: 'integer', min: -2, max: 3 },
  b: { type: 'boolean' },
  l: { type: 'list' },
  'o.tools': { type: 'list', enum: ['x', 'y', 'z'] },
  'o.in.deep.flag': { type: 'boolean' },
  sizes: { type: 'list', items: 'number' },
  'ev.share': { type: 'number', min: 0, max: 1, source: 'aibom' },
  'ev.by.kind': { type: 'string', enum: ['p', 'q'], source: 'aibom' },
}

/** What another layer may declare of the same fields: the types are the same, less is allowed. */
export const NARROW_INPUTS: Inputs = {
  ...INPUTS,
  'o.share': { type: 'number', min: 0.25, max: 0.75 },
  'o.tools': { type: 'list', enum: ['x', 'y'] },
}

/** Every field that a request may hold, with all that any layer allows. */
export const FIELDS: Inputs = { ...INPUTS, ...RISK_FIELDS }

export const THRESHOLDS: Record<string, Scalar | Scalar[]> = { half: 0.5, ours: ['a', 'b'] }

/** Values as declared, near one another so that comparisons go both ways. */
export const GOOD: Record<string, Scalar[]> = {
  s: ['', 'a', 'b', '1'],
  'o.e': ['a', 'b', 'c'],
  n: [-1, 0, -0, 0.5, 1, 2],
  'o.share': [0, 0.25, 0.5, 0.75, 1],
  k: [-2, 0, 1, 3],
  b: [true, false],
  l: ['a', 'b', ''],
  'o.tools': ['x', 'y', 'z'],
  'o.in.deep.flag': [true, false],
  sizes: [0, 1, 2],
  'ev.share': [0, 0.5, 1],
  'ev.by.kind': ['p', 'q'],
  'risk.f': [0, 1, 2.5, 4],
  'risk.g': [0, 1, 2.5, 4],
}

/** Values of every kind; which of them a field does not take is told by `isWrong`. */
export const ODD: JsonValue[] = [
  null,
  true,
  'zzz',
  '1',
  1.5,
  99,
  [],
  ['a', 1],
  [['x']],
  {},
  { e: 'a' },
]

/** Of another type than declared, or outside the declared values, judged without the engine. */
export function isWrong(field: Field, value: JsonValue): boolean {
  if (field.type === 'list') {
    if (!Array.isArray(value)) return true
    const element: Field = { ...field, type: field.items ?? 'string' }
    return value.some((item) => isWrong(element, item))
  }
  if (field.type === 'integer' ? !Number.isInteger(value) : typeof value !== field.type) return true
  if (field.enum && !field.enum.includes(value as Scalar)) return true
  return typeof value === 'number' && (value < (field.min ?? value) || value > (field.max ?? value))
}

/** The values of `GOOD` that a declaration allows. */
export function goodFor(name: string, field: Field): Scalar[] {
  const type = field.type === 'list' ? (field.items ?? 'string') : field.type
  return GOOD[name]!.filter((value) => !isWrong({ ...field, type }, value))
}
