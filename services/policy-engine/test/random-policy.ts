import fc from 'fast-check'
import type { PolicyFile } from '../src/load/load-policies.ts'
import {
  type Field,
  goodFor,
  INPUTS,
  type Inputs,
  NARROW_INPUTS,
  RISK_FIELDS,
  SCALE,
  type Scalar,
  THRESHOLDS,
} from './random-fields.ts'

/*
 * Random policies over the catalogue of fields: one or two layers with rules and waivers, and a risk
 * matrix. They are plain objects; `filesOf` writes them, one rule or waiver a line.
 */

export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { field: string; op: string; value: Scalar | Scalar[] }
  | { field: string; op: string; value_from: string }
export interface Rule {
  id: string
  reason: string
  mode?: 'block' | 'warn' | 'observe'
  waivable?: boolean
  when?: Condition
  require?: Condition
  deny?: Condition
  effective_from?: string
  effective_until?: string
}
export interface Waiver {
  rule: string
  match: Condition
  expires: string
  approved_by: string
  why: string
}
export interface Layer {
  policy: string
  inputs: Inputs
  rules: Rule[]
  waivers: Waiver[]
}
export interface Factor {
  id: string
  field: string
  weight: number
  points?: Record<string, number>
  bands?: { from: number; points: number }[]
}
export interface Risk {
  scale: { min: number; max: number }
  weights: Record<string, number>
  factors: Factor[]
  levels: Record<string, number>
  deny_at: number
}
export interface Policies {
  layers: Layer[]
  risk: Risk
}

/** Every comparison that a rule can make of a field. */
function comparisons(name: string, field: Field): fc.Arbitrary<Condition> {
  const values = goodFor(name, field)
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

function conditionsOver(inputs: Inputs): fc.Arbitrary<Condition> {
  const fields = Object.entries({ ...inputs, ...RISK_FIELDS })
  const leaf = fc.oneof(...fields.map(([name, field]) => comparisons(name, field)))
  return fc.letrec<{ condition: Condition; parts: Condition[] }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 4, arbitrary: leaf },
      { weight: 1, arbitrary: tie('parts').map((all) => ({ all })) },
      { weight: 1, arbitrary: tie('parts').map((any) => ({ any })) },
    ),
    parts: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
  })).condition
}

const days = fc.constantFrom<Pick<Rule, 'effective_from' | 'effective_until'>>(
  {},
  {},
  {},
  { effective_from: '2026-06-15' },
  { effective_until: '2026-06-15' },
  { effective_from: '2026-06-16' },
  { effective_until: '2026-06-14' },
)

function rulesOver(condition: fc.Arbitrary<Condition>): fc.Arbitrary<Omit<Rule, 'id' | 'reason'>> {
  return fc
    .tuple(
      fc.constantFrom('require', 'deny'),
      condition,
      fc.option(condition, { nil: undefined }),
      fc.constantFrom<Rule['mode']>(undefined, 'block', 'block', 'warn', 'observe'),
      fc.constantFrom(undefined, undefined, true, false),
      days,
    )
    .map(([kind, test, when, mode, waivable, inForce]) => ({
      [kind]: test,
      ...(when && { when }),
      ...(mode && { mode }),
      ...(waivable !== undefined && { waivable }),
      ...inForce,
    }))
}

/** True of most requests, so that enough rules end waived. */
const OFTEN: Condition = {
  any: [
    { field: 'b', op: 'eq', value: true },
    { field: 'k', op: 'gte', value: 0 },
  ],
}

function layerOver(policy: string, inputs: Inputs): fc.Arbitrary<Layer> {
  const condition = conditionsOver(inputs)
  const excuse = fc.record({
    match: fc.oneof(condition, fc.constant(OFTEN)),
    expires: fc.constantFrom('2026-06-14', '2026-06-15', '2026-06-16', '2027-01-01'),
  })
  const ruleWithWaivers = fc.tuple(rulesOver(condition), fc.array(excuse, { maxLength: 2 }))
  return fc.array(ruleWithWaivers, { minLength: 1, maxLength: 4 }).map((list) => {
    const rules: Rule[] = []
    const waivers: Waiver[] = []
    for (const [index, [rule, excuses]] of list.entries()) {
      const id = `${policy}${index}`
      rules.push({ id, reason: id, ...rule })
      if (rule.waivable === false) continue
      for (const { match, expires } of excuses) {
        waivers.push({ rule: id, match, expires, approved_by: 'us', why: 'Because.' })
      }
    }
    return { policy, inputs, rules, waivers }
  })
}

const points = fc.constantFrom(-3, 0, 0.1, 0.7, 5)
const weight = fc.constantFrom(2, 0.3, 0, -1.5)

function pointsFor(...values: string[]): fc.Arbitrary<{ points: Record<string, number> }> {
  const record = fc.record(Object.fromEntries(values.map((value) => [value, points])))
  return record.map((it) => ({ points: it }))
}

function bandsFrom(
  ...starts: number[]
): fc.Arbitrary<{ bands: { from: number; points: number }[] }> {
  const bands = fc.tuple(...starts.map((from) => points.map((it) => ({ from, points: it }))))
  return bands.map((it) => ({ bands: it }))
}

/** A factor over one field of each kind that can have points. */
const FACTORS = fc.tuple(
  ...Object.entries({
    s: pointsFor('', 'a'),
    'o.e': pointsFor('a', 'b', 'c'),
    b: pointsFor('true', 'false'),
    'o.in.deep.flag': pointsFor('true', 'false'),
    k: fc.oneof(pointsFor('-2', '-1', '0', '1', '2', '3'), bandsFrom(-2, 1)),
    n: bandsFrom(-0.5, 1),
    'ev.share': bandsFrom(0, 0.5),
    'ev.by.kind': pointsFor('p', 'q'),
    'risk.f': bandsFrom(0, 1, 3),
  }).map(([field, scoring], index) =>
    fc
      .tuple(weight, scoring)
      .map(([of, how]): Factor => ({ id: `x${index}`, field, weight: of, ...how })),
  ),
)
const factors = FACTORS.chain((list) => fc.subarray(list, { maxLength: 3 }))

const risk: fc.Arbitrary<Risk> = fc.record({
  scale: fc.constant(SCALE),
  weights: fc.record({ f: fc.constantFrom(3, 0.1, 0, -2), g: fc.constantFrom(1, 0.7, -4) }),
  factors: fc.oneof(fc.constant<Factor[]>([]), factors),
  levels: fc.constantFrom({ low: 0, high: 6 }, { mid: 3, low: -20, high: 9.5 }),
  deny_at: fc.constantFrom(-1, 4, 10, 1000, 1000),
})

const first = layerOver('p', INPUTS)
const second = layerOver('q', NARROW_INPUTS)
export const policies: fc.Arbitrary<Policies> = fc.record({
  layers: fc.oneof(fc.tuple(first), fc.tuple(first, second), fc.tuple(second)),
  risk,
})

/** The files in the subset of YAML that is JSON: line 1, then each rule, a line, each waiver. */
export function filesOf({ layers, risk: matrix }: Policies): PolicyFile[] {
  const lines = (list: readonly unknown[]) => list.map((it) => JSON.stringify(it)).join(',\n')
  const layer = ({ policy, inputs, rules, waivers }: Layer) => {
    const head = JSON.stringify({ policy, version: '1', thresholds: THRESHOLDS, inputs })
    const content = `${head.slice(0, -1)},"rules":[\n${lines(rules)}],\n"waivers":[\n${lines(waivers)}]}`
    return { name: `${policy}.yml`, content }
  }
  return [...layers.map(layer), { name: 'risk-matrix.yml', content: JSON.stringify(matrix) }]
}

/** The same without the rules and waivers in certain lines, and without waivers of such rules. */
export function without(all: Policies, at: readonly { file: string; line: number }[]): Policies {
  const layers = all.layers.map(({ policy, inputs, rules, waivers }) => {
    const lines = new Set(at.filter(({ file }) => file === `${policy}.yml`).map(({ line }) => line))
    const left = rules.filter((_, index) => !lines.has(index + 2))
    const firstWaiver = rules.length + 3
    const excuses = waivers.filter(
      ({ rule }, index) => !lines.has(index + firstWaiver) && left.some(({ id }) => id === rule),
    )
    return { policy, inputs, rules: left, waivers: excuses }
  })
  return { layers: layers.filter(({ rules }) => rules.length > 0), risk: all.risk }
}
