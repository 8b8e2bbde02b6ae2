import type { Input } from '../input.ts'
import type { Place, Report } from './load-problem.ts'
import type { Scope } from './read-condition.ts'
import { readInputs } from './read-input.ts'
import { type RuleTree, readRule } from './read-rule.ts'
import { readWaivers, type WaiverTree } from './read-waiver.ts'
import { memberOf, placeOfKey, readList, readMap, readName, readShape, readText } from './shape.ts'
import type { Tree } from './yaml-tree.ts'

/** One policy file, checked but not compiled. */
export interface LayerTree {
  readonly file: string
  readonly content: Tree
  readonly policy: string | undefined
  readonly policyAt: Place
  readonly version: string | undefined
  readonly inputs: ReadonlyMap<string, Input>
  readonly inputsAt: ReadonlyMap<string, Place>
  readonly rules: readonly RuleTree[]
  readonly waivers: readonly WaiverTree[]
}

export const POLICY_KEYS = {
  required: ['policy', 'version', 'rules'],
  optional: ['owner', 'thresholds', 'inputs', 'waivers'],
} as const

/**
 * Reads a policy file. `riskInputs` are the factors of the risk matrix, which rules may read without
 * declaring them; undefined if it could not be read. What cannot be read is reported and left out.
 */
export function readLayer(
  file: string,
  content: Tree,
  riskInputs: ReadonlyMap<string, Input> | undefined,
  report: Report,
  warn: Report,
): LayerTree | undefined {
  const map = readShape(content, 'a policy', POLICY_KEYS, report)
  if (!map) return undefined
  const policy = readName(memberOf(map, 'policy'), 'policy', report)
  const version = readName(memberOf(map, 'version'), 'version', report)
  readText(memberOf(map, 'owner'), 'owner', report)
  const inputsTree = memberOf(map, 'inputs')
  const inputs = readInputs(inputsTree, report)
  const inputsAt = new Map<string, Place>()
  if (inputsTree?.kind === 'map') {
    for (const [field, { keyAt }] of inputsTree.entries) inputsAt.set(field, keyAt)
  }
  const thresholds = readThresholds(memberOf(map, 'thresholds'), report)
  const usedThresholds = new Set<string>()
  const scope: Scope = {
    inputs: new Map([...(riskInputs ?? []), ...inputs]),
    isRiskUnknown: riskInputs === undefined,
    thresholds,
    usedThresholds,
    warn,
  }
  const list = readList(memberOf(map, 'rules'), 'rules', report)
  const items = list?.items ?? []
  const rules = items
    .map((item) => readRule(item, scope, report))
    .filter((rule) => rule !== undefined)
  const own = { rules, ids: items.map(writtenId).filter((id) => id !== undefined) }
  const waivers = readWaivers(memberOf(map, 'waivers'), own, scope, report)
  for (const [name, { at }] of thresholds) {
    if (usedThresholds.has(name)) continue
    warn(at, 'threshold_unused', `nothing uses the threshold ${name}`)
  }
  const policyAt = placeOfKey(map, 'policy')
  return { file, content, policy, policyAt, version, inputs, inputsAt, rules, waivers }
}

/** The id of a rule as it is written, whatever else is wrong with the rule. */
function writtenId(rule: Tree): string | undefined {
  const id = rule.kind === 'map' ? memberOf(rule, 'id') : undefined
  return id?.kind === 'scalar' && typeof id.value === 'string' ? id.value : undefined
}

export const THRESHOLD_NAME = /^[A-Za-z][\w-]*$/

/** Named values that rules compare with. Their type is checked against the field, where used. */
function readThresholds(tree: Tree | undefined, report: Report): Map<string, Tree> {
  const thresholds = new Map<string, Tree>()
  const map = tree && readMap(tree, 'thresholds', report)
  for (const [name, { keyAt, value }] of map?.entries ?? []) {
    if (!THRESHOLD_NAME.test(name)) {
      report(keyAt, 'bad_name', 'the name of a threshold holds letters, digits, _ and -')
    }
    const isBad = value.kind === 'map' || (value.kind === 'scalar' && value.value === null)
    if (isBad) report(value.at, 'wrong_type', `threshold ${name} must be a value or a list`)
    else if (value.kind !== 'list' || readList(value, `threshold ${name}`, report)) {
      thresholds.set(name, value)
    }
  }
  return thresholds
}
