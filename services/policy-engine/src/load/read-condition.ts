import type { Operator } from '../condition.ts'
import { checkScalar, type Input, isOfType, NotEstablished, type Scalar } from '../input.ts'
import type { Place, Report } from './load-problem.ts'
import { reportDisguise } from './look-alike.ts'
import { memberOf, readChoice, readList, readShape, readText, readWord } from './shape.ts'
import type { MapTree, Tree } from './yaml-tree.ts'

/** A condition as written, its fields and thresholds looked up. */
export type ConditionTree = Group | Leaf
export interface Group {
  readonly kind: 'all' | 'any'
  readonly parts: readonly ConditionTree[]
}
export interface Leaf {
  readonly kind: 'compare'
  readonly input: Input
  readonly op: Operator
  readonly expected: Scalar | readonly Scalar[]
  readonly at: Place
}

/** What the conditions of a policy file may refer to. */
export interface Scope {
  readonly inputs: ReadonlyMap<string, Input>
  /** The risk matrix could not be read, so nobody can tell which `risk.<factor>` there are. */
  readonly isRiskUnknown: boolean
  readonly thresholds: ReadonlyMap<string, Tree>
  /** Filled with the thresholds that a condition uses. */
  readonly usedThresholds: Set<string>
  /** Takes what is allowed and most likely a mistake. */
  readonly warn: Report
}

export const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'ne', 'in', 'not_in', 'contains'] as const
export const ORDERING: readonly Operator[] = ['gt', 'gte', 'lt', 'lte']
export const CONDITION_KEYS = {
  all: { required: ['all'], optional: [] },
  any: { required: ['any'], optional: [] },
  field: { required: ['field', 'op'], optional: ['value', 'value_from'] },
} as const

/** Returns undefined if the condition has a problem; every one has been reported. */
export function readCondition(
  tree: Tree,
  what: string,
  scope: Scope,
  report: Report,
): ConditionTree | undefined {
  if (tree.kind !== 'map') {
    report(tree.at, 'wrong_type', `${what} must be a map with field and op, or with all or any`)
    return undefined
  }
  const kind = readChoice(tree, what, ['field', 'all', 'any'], report)
  if (kind === undefined) return undefined
  readShape(tree, what, CONDITION_KEYS[kind], report)
  if (kind === 'field') return readLeaf(tree, what, scope, report)
  const list = readList(memberOf(tree, kind), `${kind} of ${what}`, report)
  if (!list) return undefined
  const parts = list.items.map((item) => readCondition(item, what, scope, report))
  const whole = parts.filter((part) => part !== undefined)
  return whole.length === parts.length ? { kind, parts: whole } : undefined
}

function readLeaf(map: MapTree, what: string, scope: Scope, report: Report): Leaf | undefined {
  const input = readField(map, what, scope, report)
  const op = readWord(memberOf(map, 'op'), `op of ${what}`, OPERATORS, report)
  const operand = readOperand(map, what, scope, report)
  if (!input || !op || !operand) return undefined
  if (!fits(op, input)) {
    const type = input.isList ? 'list' : input.type
    const message = `${op} does not fit ${input.field}, which is of type ${type}`
    report(memberOf(map, 'op')?.at ?? map.at, 'operator_type_mismatch', message)
    return undefined
  }
  const expected = readExpected(operand, op, input, report)
  if (expected === undefined) return undefined
  warnOfLimit(operand, op, input, expected, scope.warn)
  return { kind: 'compare', input, op, expected, at: map.at }
}

/** 85 for 0.85: a limit that no value of the field can pass bounds nothing, and looks as if it did. */
function warnOfLimit(
  { tree, namedAt }: Operand,
  op: Operator,
  input: Input,
  limit: Leaf['expected'],
  warn: Report,
): void {
  if (!ORDERING.includes(op) || typeof limit !== 'number') return
  const { min = limit, max = limit } = input
  if (limit >= min && limit <= max) return
  const message = `${input.field} is never ${limit}, by its bounds: the comparison comes out the same for all values`
  warn(namedAt ?? tree.at, 'value_out_of_range', message)
}

function readField(map: MapTree, what: string, scope: Scope, report: Report): Input | undefined {
  const tree = memberOf(map, 'field')
  const field = readText(tree, `field of ${what}`, report)
  if (!tree || field === undefined) return undefined
  const input = scope.inputs.get(field)
  if (!input && !(scope.isRiskUnknown && field.startsWith('risk.'))) {
    const message = `field "${field}" is not declared under inputs`
    report(tree.at, 'undeclared_field', message, { written: field, known: scope.inputs.keys() })
  }
  return input
}

/** The value to compare with, and where in the condition it is written. */
interface Operand {
  readonly tree: Tree
  /** Set if the value is a threshold: problems are then reported where the rule names it. */
  readonly namedAt: Place | undefined
}

function readOperand(
  map: MapTree,
  what: string,
  scope: Scope,
  report: Report,
): Operand | undefined {
  const key = readChoice(map, what, ['value', 'value_from'], report)
  const tree = key && memberOf(map, key)
  if (!tree) return undefined
  if (key === 'value') return { tree, namedAt: undefined }
  const path = readText(tree, `value_from of ${what}`, report)
  if (path === undefined) return undefined
  const names = [...scope.thresholds.keys()].map((name) => `thresholds.${name}`)
  const threshold = scope.thresholds.get(path.replace(/^thresholds\./, ''))
  if (!threshold || !path.startsWith('thresholds.')) {
    const message = `"${path}" is none of this file's thresholds (written thresholds.<name>)`
    report(tree.at, 'unknown_threshold', message, { written: path, known: names })
    return undefined
  }
  scope.usedThresholds.add(path.slice('thresholds.'.length))
  return { tree: threshold, namedAt: tree.at }
}

function fits(op: Operator, input: Input): boolean {
  if (input.isList || op === 'contains') return input.isList && op === 'contains'
  return !ORDERING.includes(op) || input.type === 'number' || input.type === 'integer'
}

function readExpected(
  operand: Operand,
  op: Operator,
  input: Input,
  report: Report,
): Scalar | readonly Scalar[] | undefined {
  const { tree, namedAt } = operand
  if (op !== 'in' && op !== 'not_in') return readOne(tree, namedAt, op, input, report)
  const list = readList(tree, `value of ${op}`, report)
  const values = list?.items.map((item) => readOne(item, namedAt, op, input, report))
  const good = values?.filter((value) => value !== undefined)
  return list && good?.length === values?.length ? sharedList(list, good!) : undefined
}

/** A list holds the same values to every rule that names it: a hundred rules need not keep it each. */
const lists = new WeakMap<Tree, readonly Scalar[]>()

function sharedList(tree: Tree, values: readonly Scalar[]): readonly Scalar[] {
  const known = lists.get(tree) ?? Object.freeze(values)
  lists.set(tree, known)
  return known
}

function described(tree: Tree): string {
  if (tree.kind === 'map') return 'a mapping'
  if (tree.kind === 'list') return 'a list'
  const { value } = tree
  if (value === null) return 'empty'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 100))}`
  return `${value}`
}

function readOne(
  tree: Tree,
  namedAt: Place | undefined,
  op: Operator,
  input: Input,
  report: Report,
): Scalar | undefined {
  const at = namedAt ?? tree.at
  const value = tree.kind === 'scalar' ? tree.value : null
  if (!isOfType(input.type, value)) {
    const each = input.isList ? 'holds elements' : 'is'
    const given = namedAt ? `the threshold in line ${tree.at.line}` : 'this value'
    const message = `${input.field} ${each} of type ${input.type}; ${given} is ${described(tree)}`
    report(at, 'wrong_type', message)
    return undefined
  }
  if (reportDisguise(value, at, report)) return undefined
  const reading = ORDERING.includes(op) ? value : checkScalar(input, value)
  if (!(reading instanceof NotEstablished)) return value
  if (reading.why === 'not_in_enum') {
    const message = `${input.field} is never ${JSON.stringify(value)}, by its enum`
    const known = input.allowed?.values().map(String) ?? []
    report(at, 'value_not_in_enum', message, { written: String(value), known })
  } else {
    const code = op === 'eq' || op === 'contains' ? 'rule_never_matches' : 'value_out_of_range'
    report(at, code, `${input.field} is never ${value}, by its bounds`)
  }
  return undefined
}
