import type { Because, Truth } from './condition.ts'
import { dayText } from './day.ts'
import type { Reading } from './input.ts'
import type { Explanation, Outcome, Rule, Waiver } from './policy-set.ts'

/** What became of one rule. */
export interface Judged {
  readonly explanation: Explanation
  /** The rule is evidence that the request is one that the policy had in mind. */
  readonly covers: boolean
  /** The waiver that excuses the rule. */
  readonly waived: Waiver | null
  /** A waiver that would excuse the rule had it not expired. */
  readonly expired: Waiver | null
}

/** Judges one rule on the readings of all fields; `today` is a day number. */
export function judgeRule(rule: Rule, readings: readonly Reading[], today: number): Judged {
  const because: Because[] = []
  const { id, at, law, when, test } = rule
  const end = (outcome: Outcome, covers: boolean, waived: Waiver | null = null): Judged => ({
    explanation: { rule: id, outcome, at, law, because },
    covers,
    waived,
    expired: null,
  })
  if (isOutOfForce(rule, today, because)) return end('not_applicable', false)
  const applies: Truth = when === null ? true : when.judge(readings)
  // An undecided `when` is no way out: the rule is judged as if it applied.
  if (applies !== true) when!.explain(readings, because)
  if (applies === false) return end('not_applicable', false)
  test.explain(readings, because)
  const truth = test.judge(readings)
  const covers = applies === true && rule.mode === 'block'
  if (truth === null) return end('not_established', covers)
  if (truth !== rule.breaksOn) return end('kept', covers)
  // A match that is not established is none: saying less never gains a waiver.
  const matching = rule.waivers.filter(({ match }) => match.judge(readings) === true)
  const waiver = matching.find(({ expires }) => today <= expires.number)
  if (!waiver) return { ...end('broken', covers), expired: matching.at(-1) ?? null }
  waiver.match.explain(readings, because)
  const { line, text: expected } = waiver.expires
  because.push({ line, field: 'expires', op: 'lte', expected, actual: dayText(today) })
  return end('waived', covers, waiver)
}

/** Whether today lies before or after the days of the rule; if so, `because` tells which. */
function isOutOfForce(rule: Rule, today: number, because: Because[]): boolean {
  const { from, until } = rule
  const isEarly = from !== null && today < from.number
  const isLate = until !== null && today > until.number
  if (!isEarly && !isLate) return false
  const [field, op, day] = isEarly
    ? (['effective_from', 'gte', from] as const)
    : (['effective_until', 'lte', until!] as const)
  because.push({ line: day.line, field, op, expected: day.text, actual: dayText(today) })
  return true
}
