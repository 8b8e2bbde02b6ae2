import type { JsonObject, JsonValue } from '@ai-governance/common/canonical-json'
import fc from 'fast-check'

/*
 * Random policies and requests over a fixed catalogue of fields of every type. Policies are plain
 * objects; `textOf` writes them as YAML with one rule a line.
 */

export type Scalar = string | number | boolean
export interface Field {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'list'
  items?: 'string' | 'number'
  enum?: Scalar[]
  min?: number
  max?: number
  source?: 'aibom'
}
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { field: string; op: string; value: Scalar | Scalar[] }
  | { field: string; op: string; value_from: string }
export interface Rule {
  id: string
  reason: string
  mode?: 'block' | 'warn' | 'observe'
  when?: Condition
  require?: Condition
  deny?: Condition
  effective_from?: string
  effective_until?: string
}
export interface Risk {
  scale: { min: number; max: number }
  weights: Record<string, number>
  levels: Record<string, number>
  deny_at: number
}
export interface Case {
  payload: JsonObject
  evidence: JsonObject | null
}

export const NOW = new Date('2026-06-15T12:00:00Z')
export const SCALE = { min: 0, max: 4 }
const SCALED: Field = { type: 'number', ...SCALE }

export const INPUTS: Record<string, Field> = {
  s: { type: 'string' },
  'o.e': { type: 'string', enum: ['a', 'b', 'c'] },
  n: { type: 'number' },
  'o.share': { type: 'number', min: 0, max: 1 },
  k: { type: 'integer', min: -2, max: 3 },
  b: { type: 'boolean' },
  l: { type: 'list' },
  'o.tools': { type: 'list', enum: ['x', 'y', 'z'] },
  sizes: { type: 'list', items: 'number' },
  'ev.share': { type: 'number', min: 0, max: 1, source: 'aibom' },
  'ev.kind': { type: 'string', enum: ['p', 'q'], source: 'aibom' },
}
/** The fields of `INPUTS` and the factors of the matrix, which need no declaration. */
export const FIELDS: Record<string, Field> = { ...INPUTS, 'risk.f': SCALED, 'risk.g': SCALED }
export const THRESHOLDS: Record<string, Scalar | Scalar[]> = { half: 0.5, ours: ['a', 'b'] }

/** Values as declared, near one another so that comparisons go both ways. */
const GOOD: Record<string, Scalar[]> = {
  s: ['', 'a', 'b', '1'],
  'o.e': ['a', 'b', 'c'],
  n: [-1, 0, -0, 0.5, 1, 2],
  'o.share': [0, 0.25, 0.5, 0.75, 1],
  k: [-2, 0, 1, 3],
  b: [true, false],
  l: ['a', 'b', ''],
  'o.tools': ['x', 'y', 'z'],
  sizes: [0, 1, 2],
  'ev.share': [0, 0.5, 1],
  'ev.kind': ['p', 'q'],
  'risk.f': [0, 1, 2.5, 4],
  'risk.g': [0, 1, 2.5, 4],
}

/** Values of every kind; which of them a field does not take is told by `isWrong`. */
const ODD: JsonValue[] = [null, true, 'zzz', '1', 1.5, 99, [], ['a', 1], [['x']], {}, { e: 'a' }]

/** Of another type than declared, or outside the declared values, judged without the engine. */
function isWrong(field: Field, value: JsonValue): boolean {
  if (field.type === 'list') {
    if (!Array.isArray(value)) return true
    const element: Field = { ...field, type: field.items ?? 'string' }
    return value.some((item) => isWrong(element, item))
  }
  if (field.type === 'integer' ? !Number.isInteger(value) : typeof value !== field.type) return true
  if (field.enum && !field.enum.includes(value as Scalar)) return true
  return typeof value === 'number' && (value < (field.min ?? value) || value > (field.max ?? value))
}

/** Every comparison that a rule can make of a field. */
function comparisons(name: string, field: Field): fc.Arbitrary<Condition> {
  const values = GOOD[name]!
  const one = fc.constantFrom(...values)
  if (field.type === 'list') return one.map((value) => ({ field: name, op: 'contains', value }))
  const isNumber = field.type === 'number' || field.type === 'integer'
  const single = ['eq', 'ne', ...(isNumber ? ['gt', 'gte', 'lt', 'lte'] : [])]
  const many = fc.subarray(values, { minLength: 1 })
  const choices: fc.Arbitrary<Condition>[] = [
    fc.record({ field: fc.constant(name), op: fc.constantFrom(...single), value: one }),
    fc.record({ field: fc.constant(name), op: fc.constantFrom('in', 'not_in'), value: many }),
  ]
  if (field.type === 'number') {
    const op = fc.constantFrom('gt', 'lte')
    choices.push(op.map((it) => ({ field: name, op: it, value_from: 'thresholds.half' })))
  }
  if (field.type === 'string' && (!field.enum || field.enum.includes('a'))) {
    const op = fc.constantFrom('in', 'not_in')
    choices.push(op.map((it) => ({ field: name, op: it, value_from: 'thresholds.ours' })))
  }
  return fc.oneof(...choices)
}

const leaf = fc.oneof(...Object.entries(FIELDS).map(([name, field]) => comparisons(name, field)))
const { condition } = fc.letrec<{ condition: Condition; parts: Condition[] }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: tie('parts').map((all) => ({ all })) },
    { weight: 1, arbitrary: tie('parts').map((any) => ({ any })) },
  ),
  parts: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
}))

const days = fc.constantFrom<Pick<Rule, 'effective_from' | 'effective_until'>>(
  {},
  {},
  {},
  { effective_from: '2026-06-15' },
  { effective_until: '2026-06-15' },
  { effective_from: '2026-06-16' },
  { effective_until: '2026-06-14' },
)

const rule: fc.Arbitrary<Omit<Rule, 'id' | 'reason'>> = fc
  .tuple(
    fc.constantFrom('require', 'deny'),
    condition,
    fc.option(condition, { nil: undefined }),
    fc.constantFrom<Rule['mode']>(undefined, 'block', 'block', 'warn', 'observe'),
    days,
  )
  .map(([kind, test, when, mode, inForce]) => ({
    [kind]: test,
    ...(when && { when }),
    ...(mode && { mode }),
    ...inForce,
  }))

export const rules: fc.Arbitrary<Rule[]> = fc
  .array(rule, { minLength: 1, maxLength: 4 })
  .map((list) => list.map((it, index) => ({ id: `r${index}`, reason: `R${index}`, ...it })))

export const risk: fc.Arbitrary<Risk> = fc.record({
  scale: fc.constant(SCALE),
  weights: fc.record({ f: fc.constantFrom(3, 0.1, 0, -2), g: fc.constantFrom(1, 0.7, -4) }),
  levels: fc.constantFrom({ low: 0, high: 6 }, { mid: 3, low: -20, high: 9.5 }),
  deny_at: fc.constantFrom(-1, 4, 10, 1000),
})

/** Writes a value at a dotted path, making the objects on the way. */
function put(root: JsonObject, path: string, value: JsonValue): void {
  const names = path.split('.')
  const last = names.pop()!
  let at = root
  for (const name of names) {
    const next = at[name]
    const isObject = typeof next === 'object' && next !== null && !Array.isArray(next)
    const inner = isObject ? next : {}
    at[name] = inner
    at = inner
  }
  at[last] = value
}

/** What a request says of one field: mostly a value as declared, at times an odd one or nothing. */
function said(name: string, field: Field): fc.Arbitrary<JsonValue | undefined> {
  const values = GOOD[name]!
  const good: fc.Arbitrary<JsonValue> =
    field.type === 'list' ? fc.subarray(values) : fc.constantFrom(...values)
  return fc.oneof(
    { weight: 14, arbitrary: good },
    { weight: 1, arbitrary: fc.constantFrom(...ODD) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
}

export const cases: fc.Arbitrary<Case> = fc
  .tuple(
    fc.tuple(...Object.entries(FIELDS).map(([name, field]) => said(name, field))),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([values, verified]) => {
    const payload: JsonObject = {}
    const evidence: JsonObject = {}
    for (const [index, [name, field]] of Object.entries(FIELDS).entries()) {
      const value = values[index]
      if (value !== undefined) put(field.source ? evidence : payload, name, structuredClone(value))
    }
    return { payload, evidence: verified > 0 ? evidence : null }
  })

/** One way to say less: take a member away, or put a value there that its field does not take. */
export type Loss = { path: string; fromEvidence: boolean; value: JsonValue | undefined }

const PARENTS = ['o', 'ev', 'risk']
export const losses: fc.Arbitrary<Loss> = fc.constantFrom(
  ...[...Object.keys(FIELDS), ...PARENTS].flatMap((path) => {
    const field = FIELDS[path]
    const fromEvidence = path.startsWith('ev')
    const noObject = (value: JsonValue) =>
      Array.isArray(value) || typeof value !== 'object' || !value
    const wrong = ODD.filter((value) => (field ? isWrong(field, value) : noObject(value)))
    return [undefined, ...wrong].map((value) => ({ path, fromEvidence, value }))
  }),
)

/** The same request, saying less. A member that is not there stays away. */
export function lose(request: Case, lost: readonly Loss[]): Case {
  const { payload, evidence } = structuredClone(request)
  for (const { path, fromEvidence, value } of lost) {
    const names = path.split('.')
    const last = names.pop()!
    let at: JsonValue | undefined = fromEvidence ? evidence : payload
    for (const name of names) {
      at = typeof at === 'object' && at !== null && !Array.isArray(at) ? at[name] : undefined
    }
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, last)) {
      continue
    }
    if (value === undefined) delete at[last]
    else at[last] = structuredClone(value)
  }
  return { payload, evidence }
}

/** A policy file in the subset of YAML that is JSON; rule number i stands in line i + 1. */
export function textOf(list: readonly Rule[]): string {
  const head = JSON.stringify({ policy: 'p', version: '1', thresholds: THRESHOLDS, inputs: INPUTS })
  return `${head.slice(0, -1)},"rules":[\n${list.map((it) => JSON.stringify(it)).join(',\n')}]}`
}
