import type { Report, Suggestion } from '../load/load-problem.ts'
import { memberOf, placeOfKey, readMap, readNumber, readShape, readWord } from '../load/shape.ts'
import type { MapTree, Tree } from '../load/yaml-tree.ts'
import { OUTCOMES, type Outcome, type PolicySet, RISK_RULE } from '../policy-set.ts'

/** One thing that a case expects of the verdict, and the line that says so. */
export type Expectation = { readonly line: number } & (
  | { readonly what: 'allowed'; readonly value: boolean }
  | { readonly what: ListKey; readonly value: readonly string[] }
  | { readonly what: 'risk_score'; readonly value: number }
  | { readonly what: 'risk_level'; readonly value: string }
  | { readonly what: 'outcome'; readonly rule: string; readonly value: Outcome }
)

/** Expectations that list rules by their ids; each must be the whole list, in any order. */
const LIST_KEYS = ['reasons', 'warnings', 'not_established', 'waived'] as const
export type ListKey = (typeof LIST_KEYS)[number]

export const EXPECT_KEYS = {
  required: ['allowed'],
  optional: [...LIST_KEYS, 'outcomes', 'risk_score', 'risk_level'],
} as const

/** What `reasons` calls the deny of a request to which no rule applies. */
export const NOTHING_APPLIES = 'nothing_applies'

/**
 * Reads `expect`. A case that expects a deny must say by which rules: a deny for some other reason,
 * such as a misspelled field, would pass for the one that was meant.
 */
export function readExpectations(
  tree: Tree | undefined,
  what: string,
  set: PolicySet,
  report: Report,
): Expectation[] | undefined {
  const map = tree && readShape(tree, `expect of ${what}`, EXPECT_KEYS, report)
  if (!map) return undefined
  const expected: Expectation[] = []
  const allowed = readAllowed(map, what, report)
  if (allowed) expected.push(allowed)
  for (const key of LIST_KEYS) {
    const item = memberOf(map, key)
    const value = item && readRules(item, `${key} of ${what}`, rulesFor(key, set), report)
    if (value) expected.push({ what: key, value, line: item.at.line })
  }
  expected.push(...readOutcomes(memberOf(map, 'outcomes'), what, set, report))
  const scoreTree = memberOf(map, 'risk_score')
  const score = readNumber(scoreTree, `risk_score of ${what}`, report)
  if (scoreTree && score !== undefined) {
    expected.push({ what: 'risk_score', value: score, line: scoreTree.at.line })
  }
  const levelTree = memberOf(map, 'risk_level')
  const levels = set.compiled.risk.levels.map((level) => level.name)
  const level = readWord(levelTree, `risk_level of ${what}`, levels, report)
  if (levelTree && level !== undefined) {
    expected.push({ what: 'risk_level', value: level, line: levelTree.at.line })
  }
  return expected
}

function readAllowed(map: MapTree, what: string, report: Report): Expectation | undefined {
  const tree = memberOf(map, 'allowed')
  if (!tree) return undefined
  const value = tree.kind === 'scalar' ? tree.value : null
  if (typeof value !== 'boolean') {
    report(tree.at, 'wrong_type', `allowed of ${what} must be true or false`)
    return undefined
  }
  const reasons = memberOf(map, 'reasons')
  const isEmpty = reasons?.kind === 'list' && reasons.items.length === 0
  if (!value && (!reasons || isEmpty)) {
    const message = `${what} expects a deny: list the rules that deny under reasons`
    report(placeOfKey(map, reasons ? 'reasons' : 'allowed'), 'missing_key', message)
  } else if (value && reasons && !isEmpty) {
    const message = `${what} expects an allow, which has no reasons`
    report(placeOfKey(map, 'reasons'), 'conflicting_keys', message)
  }
  return { what: 'allowed', value, line: tree.at.line }
}

function rulesFor(key: ListKey | 'outcomes', set: PolicySet): string[] {
  const rules = set.compiled.rules.map((rule) => rule.id)
  if (key === 'warnings' || key === 'waived') return rules
  return key === 'reasons' ? [...rules, RISK_RULE, NOTHING_APPLIES] : [...rules, RISK_RULE]
}

/** A list of rule ids, which may be empty. */
function readRules(
  tree: Tree,
  what: string,
  known: readonly string[],
  report: Report,
): string[] | undefined {
  if (tree.kind !== 'list') {
    report(tree.at, 'wrong_type', `${what} must be a list of rule ids`)
    return undefined
  }
  const rules: string[] = []
  for (const { at, ...item } of tree.items) {
    const id = item.kind === 'scalar' ? String(item.value) : ''
    if (!known.includes(id)) report(at, 'unknown_rule', ...unknownRule(id, what, known))
    else if (rules.includes(id)) report(at, 'duplicate_rule_id', `${what} names ${id} twice`)
    else rules.push(id)
  }
  return rules
}

function readOutcomes(
  tree: Tree | undefined,
  what: string,
  set: PolicySet,
  report: Report,
): Expectation[] {
  const map = tree && readMap(tree, `outcomes of ${what}`, report)
  const known = rulesFor('outcomes', set)
  const expected: Expectation[] = []
  for (const [rule, { keyAt, value }] of map?.entries ?? []) {
    const outcome = readWord(value, `outcome of ${rule}`, OUTCOMES, report)
    if (!known.includes(rule)) {
      report(keyAt, 'unknown_rule', ...unknownRule(rule, `outcomes of ${what}`, known))
    } else if (outcome) expected.push({ what: 'outcome', rule, value: outcome, line: keyAt.line })
  }
  return expected
}

function unknownRule(id: string, what: string, known: readonly string[]): [string, Suggestion] {
  return [`${what}: no rule of this set has the id "${id}"`, { written: id, known }]
}
