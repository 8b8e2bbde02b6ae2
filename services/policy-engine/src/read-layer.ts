import type { Input } from './input.ts'
import type { Place, Report } from './load-problem.ts'
import type { Scope } from './read-condition.ts'
import { readInputs } from './read-input.ts'
import { type RuleTree, readRule } from './read-rule.ts'
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
}

const KEYS = {
  required: ['policy', 'version', 'rules'],
  optional: ['owner', 'thresholds', 'inputs', 'waivers'],
}

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
  const map = readShape(content, 'a policy', KEYS, report)
  if (!map) return undefined
  const policy = readName(memberOf(map, 'policy'), 'policy', report)
  const version = readName(memberOf(map, 'version'), 'version', report)
  readText(memberOf(map, 'owner'), 'owner', report)
  if (map.entries.has('waivers')) {
    const at = placeOfKey(map, 'waivers')
    report(at, 'waivers_not_supported', 'waivers are not supported yet; remove them')
  }
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
  }
  const list = readList(memberOf(map, 'rules'), 'rules', report)
  const rules = list?.items.map((item) => readRule(item, scope, report)) ?? []
  for (const [name, { at }] of thresholds) {
    if (usedThresholds.has(name)) continue
    warn(at, 'threshold_unused', `no rule uses the threshold ${name}`)
  }
  const whole = rules.filter((rule) => rule !== undefined)
  const policyAt = placeOfKey(map, 'policy')
  return { file, content, policy, policyAt, version, inputs, inputsAt, rules: whole }
}

/** Named values that rules compare with. Their type is checked against the field, where used. */
function readThresholds(tree: Tree | undefined, report: Report): Map<string, Tree> {
  const thresholds = new Map<string, Tree>()
  const map = tree && readMap(tree, 'thresholds', report)
  for (const [name, { keyAt, value }] of map?.entries ?? []) {
    if (!/^[A-Za-z][\w-]*$/.test(name)) {
      report(keyAt, 'bad_name', 'the name of a threshold holds letters, digits, _ and -')
    }
    const isBad = value.kind === 'map' || (value.kind === 'scalar' && value.value === null)
    if (isBad) report(value.at, 'wrong_type', `threshold ${name} must be a value or a list`)
    else thresholds.set(name, value)
  }
  return thresholds
}
