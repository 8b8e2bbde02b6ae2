import { allOf, anyOf, type Condition, compare } from '../condition.ts'
import { type Input, type Reader, readerOf } from '../input.ts'
import type { RiskModel, Rule, Waiver } from '../policy-set.ts'
import type { ConditionTree } from './read-condition.ts'
import type { FactorTree } from './read-factors.ts'
import { type MatrixTree, worstPoints, worstScoreOf } from './read-risk.ts'
import type { RuleTree } from './read-rule.ts'
import type { WaiverTree } from './read-waiver.ts'

/** Gives each field that rules read a number, under which its reading is kept for a request. */
export class FieldSlots {
  readonly readers: Reader[] = []
  readonly #numbers = new Map<Input, number>()

  of(input: Input): number {
    const known = this.#numbers.get(input)
    if (known !== undefined) return known
    const number = this.readers.push(readerOf(input)) - 1
    this.#numbers.set(input, number)
    return number
  }
}

/** Compiles a rule and those of its file's waivers that name it. */
export function compileRule(
  rule: RuleTree,
  waivers: readonly WaiverTree[],
  file: string,
  slots: FieldSlots,
): Rule {
  const { id, law, mode, reason, from, until, breaksOn } = rule
  return {
    id,
    law,
    at: `${file}:${rule.at.line}`,
    mode,
    reason,
    from,
    until,
    when: rule.when && compileCondition(rule.when, slots),
    test: compileCondition(rule.test, slots),
    breaksOn,
    waivers: waivers
      .filter((waiver) => waiver.rule === id)
      .map((waiver) => compileWaiver(waiver, file, slots)),
  }
}

/** Compiles the risk model; undefined if the matrix has no usable limit. */
export function compileRisk(
  matrix: MatrixTree,
  factors: readonly FactorTree[],
  file: string,
  slots: FieldSlots,
): RiskModel | undefined {
  const { name, levels, denyAt } = matrix
  if (!denyAt) return undefined
  const { line } = denyAt.at
  return {
    name: name ?? file,
    at: `${file}:${line}`,
    line,
    factors: factors.map((factor) => ({
      id: factor.id,
      field: factor.input.field,
      slot: slots.of(factor.input),
      weight: factor.weight,
      pointsOf: factor.pointsOf,
      worst: worstPoints(factor),
      op: factor.op,
      expected: factor.expected,
      line: factor.line,
    })),
    levels,
    denyAt: denyAt.value,
    worstScore: worstScoreOf(factors),
  }
}

function compileWaiver(waiver: WaiverTree, file: string, slots: FieldSlots): Waiver {
  const { at, match, expires, approvedBy, why } = waiver
  const note = `${why} (approved by ${approvedBy}, until ${expires.text})`
  return { at: `${file}:${at.line}`, match: compileCondition(match, slots), expires, note }
}

function compileCondition(tree: ConditionTree, slots: FieldSlots): Condition {
  if (tree.kind === 'compare') {
    const { input, op, expected, at } = tree
    return compare({ slot: slots.of(input), field: input.field, op, expected, at })
  }
  const parts = tree.parts.map((part) => compileCondition(part, slots))
  return tree.kind === 'all' ? allOf(parts) : anyOf(parts)
}
