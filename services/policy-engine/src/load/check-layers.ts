import type { Input } from '../input.ts'
import { type LoadCode, type LoadProblem, type Place, reporter } from './load-problem.ts'
import type { LayerTree } from './read-layer.ts'

/** Reports what is wrong between the files of a set although each file alone may be right. */
export function checkLayers(
  layers: readonly LayerTree[],
  riskInputs: ReadonlyMap<string, Input>,
  errors: LoadProblem[],
): void {
  const policies = new Map<string, string>()
  const rules = new Map<string, string>()
  for (const { file, policy, policyAt, rules: own } of layers) {
    const report = reporter(file, errors)
    const once = (seen: Map<string, string>, name: string, at: Place, code: LoadCode) => {
      const first = seen.get(name)
      if (first === undefined) seen.set(name, `${file}:${at.line}`)
      else report(at, code, `"${name}" is already the name of ${first}`)
    }
    if (policy !== undefined) once(policies, policy, policyAt, 'duplicate_policy_name')
    for (const { id, at } of own) once(rules, id, at, 'duplicate_rule_id')
  }
  checkInputs(layers, riskInputs, errors)
}

/**
 * A field must mean the same everywhere. Were it a text to one file and a number to another, then
 * giving it the wrong type for the one would establish it for the other, and leaving evidence out
 * could turn a deny into an allow. Likewise a field cannot hold another field and be a value.
 */
function checkInputs(
  layers: readonly LayerTree[],
  riskInputs: ReadonlyMap<string, Input>,
  errors: LoadProblem[],
): void {
  const types = new Map<string, string>()
  const parents = new Map<string, string>()
  const add = (input: Input): string | undefined => {
    const key = `${input.source}:${input.field}`
    const type = typeName(input)
    const known = types.get(key) ?? type
    if (known !== type) return `${input.field} is of type ${known} elsewhere, and ${type} here`
    const inner = parents.get(key)
    if (inner !== undefined) return `${input.field} cannot be a value and hold ${inner}`
    for (let dot = key.indexOf('.'); dot !== -1; dot = key.indexOf('.', dot + 1)) {
      const outer = key.slice(0, dot)
      if (types.has(outer)) return `${input.field} lies inside a field declared as a value`
      parents.set(outer, input.field)
    }
    types.set(key, type)
    return undefined
  }
  for (const input of riskInputs.values()) add(input)
  for (const { file, inputs, inputsAt } of layers) {
    const report = reporter(file, errors)
    for (const [field, input] of inputs) {
      const conflict = add(input)
      if (conflict) report(inputsAt.get(field)!, 'input_conflict', conflict)
    }
  }
}

function typeName(input: Input): string {
  return input.isList ? `list of ${input.type}` : input.type
}
