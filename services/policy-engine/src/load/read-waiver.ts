import type { Day } from '../day.ts'
import type { Place, Report } from './load-problem.ts'
import { neverTrueTogether } from './never-true.ts'
import { type ConditionTree, readCondition, type Scope } from './read-condition.ts'
import { type RuleTree, readDay } from './read-rule.ts'
import { memberOf, placeOfKey, readItems, readShape, readText } from './shape.ts'
import type { Tree } from './yaml-tree.ts'

/** A waiver as written, checked but not compiled. */
export interface WaiverTree {
  readonly at: Place
  /** The id of the rule that it excuses, one of the same file. */
  readonly rule: string
  readonly match: ConditionTree
  /** The last UTC day on which it excuses. */
  readonly expires: Day
  readonly approvedBy: string
  readonly why: string
}

export const WAIVER_KEYS = {
  required: ['rule', 'match', 'expires', 'approved_by', 'why'],
  optional: [],
} as const

/** The rules that the waivers of a file may name. */
export interface OwnRules {
  readonly rules: readonly RuleTree[]
  /** Ids of all rules as written, also of those that have a problem of their own. */
  readonly ids: readonly string[]
}

/**
 * Reads the `waivers` of a policy file; those with a problem are reported and left out. A waiver
 * excuses rules of its own file only: were it otherwise, adding a layer could loosen another one.
 */
export function readWaivers(
  tree: Tree | undefined,
  own: OwnRules,
  scope: Scope,
  report: Report,
): WaiverTree[] {
  const items = readItems(tree, 'waivers', report)
  return items
    .map((item) => readWaiver(item, own, scope, report))
    .filter((waiver) => waiver !== undefined)
}

function readWaiver(
  tree: Tree,
  own: OwnRules,
  scope: Scope,
  report: Report,
): WaiverTree | undefined {
  const map = readShape(tree, 'waiver', WAIVER_KEYS, report)
  if (!map) return undefined
  const ruleTree = memberOf(map, 'rule')
  const rule = readText(ruleTree, 'rule of a waiver', report)
  const what = rule === undefined ? 'waiver' : `waiver of ${rule}`
  const matchTree = memberOf(map, 'match')
  const match = matchTree && readCondition(matchTree, `match of ${what}`, scope, report)
  const expires = readDay(map, 'expires', report)
  const approvedBy = readText(memberOf(map, 'approved_by'), `approved_by of ${what}`, report)
  const why = readText(memberOf(map, 'why'), `why of ${what}`, report)
  if (rule === undefined || !ruleTree) return undefined
  if (!own.ids.includes(rule)) {
    const message = `this file has no rule "${rule}", and a waiver excuses only rules of its own file`
    report(ruleTree.at, 'unknown_rule', message, { written: rule, known: own.ids })
    return undefined
  }
  const excused = own.rules.find(({ id }) => id === rule)
  if (excused?.isWaivable === false) {
    const fix = 'remove the waiver, or have the owner of the rule take waivable: false away'
    report(ruleTree.at, 'rule_not_waivable', `rule ${rule} allows no waiver; ${fix}`)
  }
  if (!match || !expires || approvedBy === undefined || why === undefined) return undefined
  const waiver = { at: map.at, rule, match, expires, approvedBy, why }
  if (excused) checkUse(waiver, excused, placeOfKey(map, 'expires'), report)
  return waiver
}

/** Reports a waiver that can never excuse its rule: somebody believes it to do something. */
function checkUse(waiver: WaiverTree, rule: RuleTree, expiresAt: Place, report: Report): void {
  const alone = neverTrueTogether([waiver.match])
  if (alone) {
    const message = 'this comparison can never be true together with the rest of the match'
    report(alone.at, 'waiver_never_matches', message)
    return
  }
  if (rule.from && waiver.expires.number < rule.from.number) {
    const message = `the waiver expires before rule ${rule.id} is in force, on ${rule.from.text}`
    report(expiresAt, 'waiver_never_matches', message)
  }
  // What is true of the request whenever a waiver is needed; of a broken `require` nothing is known.
  const needed = rule.breaksOn ? [rule.test] : []
  if (rule.when) needed.push(rule.when)
  // A rule that contradicts itself has been reported already.
  if (neverTrueTogether(needed)) return
  const contradiction = neverTrueTogether([...needed, waiver.match])
  if (!contradiction) return
  const message = `the match can never be true where rule ${rule.id} is broken`
  report(contradiction.at, 'waiver_never_matches', message)
}
