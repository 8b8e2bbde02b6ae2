import type { JsonObject, JsonValue } from '@ai-governance/common/canonical-json'
import {
  type Case,
  type Condition,
  FIELDS,
  type Field,
  NOW,
  type Risk,
  type Rule,
  type Scalar,
  THRESHOLDS,
} from './random-policy.ts'

/*
 * A second reading of the language, written for being obvious: no compilation, nothing shared with
 * the engine. The engine must agree with it.
 */

type Truth = 'true' | 'false' | 'not established'

export interface Naive {
  allowed: boolean
  outcomes: string[]
  score: number
  level: string
}

export function interpret(rules: readonly Rule[], risk: Risk, request: Case): Naive {
  const outcomes = rules.map((rule) => outcomeOf(rule, request))
  const today = NOW.toISOString().slice(0, 10)
  const covered = rules.some(
    (rule) =>
      isBlock(rule) &&
      isInForce(rule, today) &&
      (!rule.when || truthOf(rule.when, request) === 'true'),
  )
  const denied = rules.some(
    (rule, i) => isBlock(rule) && ['broken', 'not_established'].includes(outcomes[i]!),
  )
  const score = scoreOf(risk, request)
  const allowed = covered && !denied && !(score >= risk.deny_at)
  return { allowed, outcomes, score, level: levelOf(risk, score) }
}

function isBlock(rule: Rule): boolean {
  return rule.mode === undefined || rule.mode === 'block'
}

function isInForce(rule: Rule, today: string): boolean {
  if (rule.effective_from !== undefined && today < rule.effective_from) return false
  return rule.effective_until === undefined || today <= rule.effective_until
}

function outcomeOf(rule: Rule, request: Case): string {
  if (!isInForce(rule, NOW.toISOString().slice(0, 10))) return 'not_applicable'
  if (rule.when && truthOf(rule.when, request) === 'false') return 'not_applicable'
  const truth = truthOf((rule.require ?? rule.deny)!, request)
  if (truth === 'not established') return 'not_established'
  if (rule.require) return truth === 'true' ? 'kept' : 'broken'
  return truth === 'true' ? 'broken' : 'kept'
}

function truthOf(condition: Condition, request: Case): Truth {
  if ('all' in condition) {
    const parts = condition.all.map((part) => truthOf(part, request))
    if (parts.includes('false')) return 'false'
    return parts.includes('not established') ? 'not established' : 'true'
  }
  if ('any' in condition) {
    const parts = condition.any.map((part) => truthOf(part, request))
    if (parts.includes('true')) return 'true'
    return parts.includes('not established') ? 'not established' : 'false'
  }
  const field = FIELDS[condition.field]!
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

function scoreOf(risk: Risk, request: Case): number {
  let score = 0
  for (const [name, weight] of Object.entries(risk.weights)) {
    const value = look(`risk.${name}`, FIELDS[`risk.${name}`]!, request)
    const ends = [weight * risk.scale.min, weight * risk.scale.max]
    score += typeof value === 'number' ? weight * value : Math.max(...ends)
  }
  return score
}

function levelOf(risk: Risk, score: number): string {
  const levels = Object.entries(risk.levels)
  const lowest = levels.reduce((a, b) => (a[1] < b[1] ? a : b))
  return levels
    .filter((level) => level[1] <= score)
    .reduce((a, b) => (a[1] > b[1] ? a : b), lowest)[0]
}
