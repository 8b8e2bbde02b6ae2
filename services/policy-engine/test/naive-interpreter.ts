import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { type Field, type Inputs, RISK_FIELDS, type Scalar, THRESHOLDS } from './random-fields.ts'
import type { Condition, Factor, Policies, Risk, Rule, Waiver } from './random-policy.ts'
import type { Case } from './random-request.ts'

/*
 * A second reading of the language, written for being obvious: no compilation, nothing shared with
 * the engine. The engine must agree with it.
 */

type Truth = 'true' | 'false' | 'not established'

/** The verdict, its texts reduced to who says them. */
export interface Naive {
  allowed: boolean
  outcomes: string[]
  /** Ids of rules, then `nothing_applies`, then `Risk`. */
  reasons: string[]
  warnings: string[]
  /** Ids of the rules that are waived. */
  waived: string[]
  score: number
  level: string
  /** What each factor adds, and whether that is its worst for want of anything better. */
  parts: { factor: string; adds: number; worst: boolean }[]
}

export function interpret({ layers, risk }: Policies, request: Case): Naive {
  const reasons: string[] = []
  const warnings: string[] = []
  const outcomes: string[] = []
  const waived: string[] = []
  let covered = false
  for (const { rules, waivers, inputs } of layers) {
    for (const rule of rules) {
      const raw = outcomeOf(rule, inputs, request)
      const own = waivers.filter((waiver) => waiver.rule === rule.id)
      const excuse = raw === 'broken' ? excuseOf(own, inputs, request) : 'none'
      const outcome = excuse === 'in force' ? 'waived' : raw
      outcomes.push(outcome)
      if (outcome === 'waived') waived.push(rule.id)
      if (excuse === 'expired') warnings.push(`expired ${rule.id}`)
      const isBad = outcome === 'broken' || outcome === 'not_established'
      if (isBad && isBlock(rule)) reasons.push(rule.id)
      if (isBad && rule.mode === 'warn') warnings.push(rule.id)
      if (isBlock(rule) && isInForce(rule, dayOf(request)) && applies(rule, inputs, request)) {
        covered = true
      }
    }
  }
  if (!covered) reasons.push('nothing_applies')
  const declared = Object.assign({}, ...layers.map((layer) => layer.inputs), RISK_FIELDS) as Inputs
  const parts = partsOf(risk, declared, request)
  const score = parts.reduce((sum, { adds }) => sum + adds, 0)
  if (score >= risk.deny_at) reasons.push('Risk')
  else if (parts.some((part) => part.worst)) warnings.push('Risk')
  const allowed = reasons.length === 0
  return { allowed, outcomes, reasons, warnings, waived, score, level: levelOf(risk, score), parts }
}

function dayOf(request: Case): string {
  return request.now.toISOString().slice(0, 10)
}

function isBlock(rule: Rule): boolean {
  return rule.mode === undefined || rule.mode === 'block'
}

function isInForce(rule: Rule, today: string): boolean {
  if (rule.effective_from !== undefined && today < rule.effective_from) return false
  return rule.effective_until === undefined || today <= rule.effective_until
}

function applies(rule: Rule, inputs: Inputs, request: Case): boolean {
  return !rule.when || truthOf(rule.when, inputs, request) === 'true'
}

function outcomeOf(rule: Rule, inputs: Inputs, request: Case): string {
  if (!isInForce(rule, dayOf(request))) return 'not_applicable'
  if (rule.when && truthOf(rule.when, inputs, request) === 'false') return 'not_applicable'
  const truth = truthOf((rule.require ?? rule.deny)!, inputs, request)
  if (truth === 'not established') return 'not_established'
  if (rule.require) return truth === 'true' ? 'kept' : 'broken'
  return truth === 'true' ? 'broken' : 'kept'
}

function excuseOf(waivers: readonly Waiver[], inputs: Inputs, request: Case): string {
  const matching = waivers.filter(({ match }) => truthOf(match, inputs, request) === 'true')
  if (matching.some(({ expires }) => dayOf(request) <= expires)) return 'in force'
  return matching.length > 0 ? 'expired' : 'none'
}

function truthOf(condition: Condition, inputs: Inputs, request: Case): Truth {
  if ('all' in condition) {
    const parts = condition.all.map((part) => truthOf(part, inputs, request))
    if (parts.includes('false')) return 'false'
    return parts.includes('not established') ? 'not established' : 'true'
  }
  if ('any' in condition) {
    const parts = condition.any.map((part) => truthOf(part, inputs, request))
    if (parts.includes('true')) return 'true'
    return parts.includes('not established') ? 'not established' : 'false'
  }
  const field = inputs[condition.field] ?? RISK_FIELDS[condition.field]!
  const value = look(condition.field, field, request)
  if (value === undefined) return 'not established'
  const expected =
    'value' in condition
      ? condition.value
      : THRESHOLDS[condition.value_from.slice('thresholds.'.length)]!
  return compare(condition.op, value, expected) ? 'true' : 'false'
}

function compare(op: string, value: Scalar | Scalar[], expected: Scalar | Scalar[]): boolean {
  const same = (a: unknown, b: unknown) => typeof a === typeof b && a === b
  const isAmong = (list: unknown) => (list as Scalar[]).some((item) => same(item, value))
  if (op === 'eq') return same(value, expected)
  if (op === 'ne') return !same(value, expected)
  if (op === 'in') return isAmong(expected)
  if (op === 'not_in') return !isAmong(expected)
  if (op === 'contains') return (value as Scalar[]).some((item) => same(item, expected))
  const difference = (value as number) - (expected as number)
  if (op === 'gt') return difference > 0
  if (op === 'gte') return difference >= 0
  if (op === 'lt') return difference < 0
  return difference <= 0
}

/** The value of a field, or undefined if nothing is established about it. */
function look(path: string, field: Field, request: Case): Scalar | Scalar[] | undefined {
  let value: JsonValue | undefined = field.source
    ? (request.evidence ?? undefined)
    : request.payload
  for (const name of path.split('.')) {
    const isObject =
      value !== undefined && Object.prototype.toString.call(value) === '[object Object]'
    if (!isObject) return undefined
    value = Object.getOwnPropertyDescriptor(value as JsonObject, name)?.value
  }
  if (field.type !== 'list') return fits(field.type, field, value) ? (value as Scalar) : undefined
  if (!Array.isArray(value)) return undefined
  const type = field.items ?? 'string'
  return value.every((item) => fits(type, field, item)) ? (value as Scalar[]) : undefined
}

function fits(type: string, field: Field, value: JsonValue | undefined): boolean {
  if (type === 'integer' && !(typeof value === 'number' && value % 1 === 0)) return false
  if (type !== 'integer' && typeof value !== type) return false
  if (field.enum && !field.enum.some((item) => item === value)) return false
  if (typeof value !== 'number') return true
  if (field.min !== undefined && value < field.min) return false
  return field.max === undefined || value <= field.max
}

function partsOf(risk: Risk, declared: Inputs, request: Case): Naive['parts'] {
  const weighted = Object.entries(risk.weights).map(([name, weight]) => {
    const value = look(`risk.${name}`, RISK_FIELDS[`risk.${name}`]!, request)
    const points = typeof value === 'number' ? value : undefined
    return part(name, weight, points, [risk.scale.min, risk.scale.max])
  })
  const others = risk.factors.map((factor) => {
    const value = look(factor.field, declared[factor.field]!, request)
    const all = factor.bands?.map((band) => band.points) ?? Object.values(factor.points!)
    return part(factor.id, factor.weight, pointsOf(factor, value), all)
  })
  return [...weighted, ...others]
}

function part(factor: string, weight: number, points: number | undefined, all: number[]) {
  const worst = points === undefined
  const adds = worst ? Math.max(...all.map((it) => weight * it)) : weight * points
  return { factor, adds: adds + 0, worst }
}

function pointsOf(factor: Factor, value: Scalar | Scalar[] | undefined): number | undefined {
  if (value === undefined) return undefined
  if (factor.bands) {
    const reached = factor.bands.filter(({ from }) => (value as number) >= from)
    return reached.reduce((a, b) => (a.from > b.from ? a : b), reached[0]!)?.points
  }
  const entry = Object.entries(factor.points!).find(
    ([key]) => key === (Object.is(value, -0) ? '0' : `${value}`),
  )
  return entry?.[1]
}

function levelOf(risk: Risk, score: number): string {
  const levels = Object.entries(risk.levels)
  const lowest = levels.reduce((a, b) => (a[1] < b[1] ? a : b))
  return levels
    .filter((level) => level[1] <= score)
    .reduce((a, b) => (a[1] > b[1] ? a : b), lowest)[0]
}
