import { type Day, parseDay } from '../day.ts'
import { type Mode, RISK_RULE } from '../policy-set.ts'
import type { Place, Report } from './load-problem.ts'
import { neverTrueTogether } from './never-true.ts'
import { type ConditionTree, readCondition, type Scope } from './read-condition.ts'
import {
  memberOf,
  placeOfKey,
  readBoolean,
  readChoice,
  readList,
  readName,
  readShape,
  readText,
  readWord,
} from './shape.ts'
import type { MapTree, Tree } from './yaml-tree.ts'

/** A rule as written, checked but not compiled. */
export interface RuleTree {
  readonly id: string
  readonly at: Place
  readonly law: readonly string[]
  readonly mode: Mode
  readonly reason: string
  readonly from: Day | null
  readonly until: Day | null
  readonly when: ConditionTree | null
  readonly test: ConditionTree
  readonly breaksOn: boolean
  readonly isWaivable: boolean
}

export const RULE_KEYS = {
  required: ['id', 'reason'],
  optional: [
    'law',
    'when',
    'require',
    'deny',
    'mode',
    'effective_from',
    'effective_until',
    'owner',
    'waivable',
  ],
} as const
export const MODES = ['block', 'warn', 'observe'] as const

/** Returns undefined if the rule has a problem; every one has been reported. */
export function readRule(tree: Tree, scope: Scope, report: Report): RuleTree | undefined {
  const map = readShape(tree, 'rule', RULE_KEYS, report)
  if (!map) return undefined
  const id = readRuleId(map, report)
  const what = id === undefined ? 'rule' : `rule ${id}`
  const reason = readReason(map, what, report)
  const mode = readWord(memberOf(map, 'mode'), `mode of ${what}`, MODES, report) ?? 'block'
  const law = readLaw(map, what, report)
  const { from, until } = readDays(map, what, report)
  readText(memberOf(map, 'owner'), `owner of ${what}`, report)
  const isWaivable = readBoolean(memberOf(map, 'waivable'), `waivable of ${what}`, report) ?? true
  const whenTree = memberOf(map, 'when')
  const when = whenTree && readCondition(whenTree, `when of ${what}`, scope, report)
  const kind = readChoice(map, what, ['require', 'deny'], report)
  const testTree = kind && memberOf(map, kind)
  const test = testTree && readCondition(testTree, `${kind} of ${what}`, scope, report)
  if (id === undefined || reason === undefined || !test) return undefined
  if (whenTree && !when) return undefined
  const breaksOn = kind === 'deny'
  // A `require` that contradicts `when` forbids the case; a `deny` that does would never be broken.
  const unreachable =
    (when && neverTrueTogether([when])) ??
    neverTrueTogether(when && breaksOn ? [when, test] : [test])
  if (unreachable) {
    const message = `${what}: this comparison can never be true together with the rest of the rule`
    report(unreachable.at, 'rule_never_matches', message)
  }
  const judged = { when: when ?? null, test, breaksOn, isWaivable }
  return { id, at: map.at, law, mode, reason, from, until, ...judged }
}

function readRuleId(map: MapTree, report: Report): string | undefined {
  const tree = memberOf(map, 'id')
  const id = readName(tree, 'id of a rule', report)
  if (id === RISK_RULE) report(tree!.at, 'reserved_word', `${id} is the id of the risk limit`)
  return id
}

/** Reasons that the engine gives itself must not be mistaken for those of a rule. */
function readReason(map: MapTree, what: string, report: Report): string | undefined {
  const tree = memberOf(map, 'reason')
  const reason = readText(tree, `reason of ${what}`, report)
  if (reason !== undefined && /^(engine:|no_policy$|nothing_applies$)/.test(reason)) {
    report(tree!.at, 'reserved_word', 'engine:, no_policy and nothing_applies are reserved')
  }
  return reason
}

function readLaw(map: MapTree, what: string, report: Report): readonly string[] {
  const list = readList(memberOf(map, 'law'), `law of ${what}`, report)
  const references = list?.items.map((item) => readText(item, `law of ${what}`, report))
  return references?.filter((reference) => reference !== undefined) ?? []
}

function readDays(map: MapTree, what: string, report: Report) {
  const from = readDay(map, 'effective_from', report)
  const until = readDay(map, 'effective_until', report)
  if (from && until && from.number > until.number) {
    const message = `${what} is never in force: it ends before it begins`
    report(placeOfKey(map, 'effective_until'), 'rule_never_matches', message)
  }
  return { from, until }
}

/** Reads a UTC day; null if it was left out, or is none, which has been reported. */
export function readDay(map: MapTree, key: string, report: Report): Day | null {
  const tree = memberOf(map, key)
  if (!tree) return null
  const text = tree.kind === 'scalar' ? String(tree.value) : ''
  const number = parseDay(text)
  if (number !== null) return { number, text, line: tree.at.line }
  report(tree.at, 'bad_date', `${key} must be a day of the calendar, written YYYY-MM-DD`)
  return null
}
