import { shown } from '../condition.ts'
import {
  checkScalar,
  type Input,
  isOfType,
  NotEstablished,
  type Scalar,
  type Why,
} from '../input.ts'
import type { Report } from './load-problem.ts'
import { reportDisguise } from './look-alike.ts'
import {
  memberOf,
  placeOfKey,
  readChoice,
  readItems,
  readList,
  readMap,
  readNumber,
  readShape,
  readText,
} from './shape.ts'
import type { MapTree, Tree } from './yaml-tree.ts'

/** A risk factor, checked but not compiled. */
export interface FactorTree {
  readonly id: string
  readonly input: Input
  readonly weight: number
  readonly pointsOf: (value: Scalar) => number | Why
  /** All points that the factor can have; of a scale its two ends. */
  readonly points: readonly number[]
  readonly op: 'within' | 'in' | 'gte'
  readonly expected: Scalar | readonly Scalar[]
  readonly line: number
}

/** What the factors of the matrix may read. */
export interface FactorScope {
  /** Every declaration of a field in the policy files and the matrix, with the name of its file. */
  readonly declared: ReadonlyMap<string, readonly { input: Input; file: string }[]>
  /** A policy file could not be read, so nobody can tell which inputs there are. */
  readonly isIncomplete: boolean
  /** Ids that are taken, with the line of the first; filled on the way. */
  readonly ids: Map<string, number>
}

export const FACTOR_KEYS = {
  required: ['id', 'field', 'weight'],
  optional: ['points', 'bands'],
} as const
export const BAND_KEYS = { required: ['from', 'points'], optional: [] } as const

/** Of a factor: it is a member name of `risk`, and a label in answers. */
export const FACTOR_ID = /^[A-Za-z_][\w-]{0,99}$/

/** Reads the `factors` of the risk matrix; those with a problem are reported and left out. */
export function readFactors(
  tree: Tree | undefined,
  scope: FactorScope,
  report: Report,
): FactorTree[] {
  return readItems(tree, 'factors', report)
    .map((item) => readFactor(item, scope, report))
    .filter((factor) => factor !== undefined)
}

function readFactor(tree: Tree, scope: FactorScope, report: Report): FactorTree | undefined {
  const map = readShape(tree, 'factor', FACTOR_KEYS, report)
  if (!map) return undefined
  const id = readFactorId(map, scope, report)
  const what = id === undefined ? 'factor' : `factor ${id}`
  const weight = readNumber(memberOf(map, 'weight'), `weight of ${what}`, report)
  const input = readFactorField(map, what, scope, report)
  const kind = readChoice(map, what, ['points', 'bands'], report)
  const scoreTree = kind && memberOf(map, kind)
  if (!input || !scoreTree) return undefined
  const scoring =
    kind === 'points'
      ? readPoints(scoreTree, what, input, report)
      : readBands(scoreTree, what, input, report)
  if (id === undefined || weight === undefined || !scoring) return undefined
  return { id, input, weight, ...scoring, line: map.at.line }
}

function readFactorId(map: MapTree, scope: FactorScope, report: Report): string | undefined {
  const tree = memberOf(map, 'id')
  const id = readText(tree, 'id of a factor', report)
  if (id === undefined || !tree) return undefined
  if (!FACTOR_ID.test(id)) {
    report(tree.at, 'bad_name', 'the id of a factor holds letters, digits, _ and -')
    return undefined
  }
  const first = scope.ids.get(id)
  if (first === undefined) scope.ids.set(id, tree.at.line)
  else report(tree.at, 'duplicate_factor', `"${id}" is already the factor in line ${first}`)
  return id
}

function readFactorField(
  map: MapTree,
  what: string,
  scope: FactorScope,
  report: Report,
): Input | undefined {
  const tree = memberOf(map, 'field')
  const field = readText(tree, `field of ${what}`, report)
  if (!tree || field === undefined) return undefined
  const [first, ...others] = scope.declared.get(field) ?? []
  if (!first) {
    if (scope.isIncomplete) return undefined
    const message = `no policy file declares the field "${field}" under inputs`
    const known = scope.declared.keys()
    report(tree.at, 'undeclared_field', message, { written: field, known })
    return undefined
  }
  const other = others.find(({ input }) => !isSameInput(input, first.input))
  if (other) {
    const files = `${first.file} and ${other.file}`
    const message = `${files} declare ${field} differently; a factor needs one meaning`
    report(tree.at, 'input_conflict', message)
    return undefined
  }
  if (!first.input.isList) return first.input
  report(tree.at, 'operator_type_mismatch', `${field} is a list, and lists have no points`)
  return undefined
}

function isSameInput(a: Input, b: Input): boolean {
  if (a.source !== b.source || a.isList !== b.isList || a.type !== b.type) return false
  if (a.min !== b.min || a.max !== b.max) return false
  if (!a.allowed || !b.allowed) return a.allowed === b.allowed
  return a.allowed.size === b.allowed.size && a.allowed.isSubsetOf(b.allowed)
}

type Scoring = Pick<FactorTree, 'pointsOf' | 'points' | 'op' | 'expected'>

/** `points`: a map from values to points. What can be listed must be listed whole. */
function readPoints(tree: Tree, what: string, input: Input, report: Report): Scoring | undefined {
  if (input.type === 'number') {
    const message = `${input.field} is of type number and takes bands, not points`
    report(tree.at, 'operator_type_mismatch', message)
    return undefined
  }
  const map = readMap(tree, `points of ${what}`, report)
  if (!map) return undefined
  if (map.entries.size === 0) {
    report(map.at, 'empty_list', `points of ${what} must not be empty`)
    return undefined
  }
  // Keys of a map are texts, so that a value is looked up by its text; within one type no two
  // values have the same.
  const table = new Map<string, number>()
  const values: Scalar[] = []
  for (const [key, { keyAt, value }] of map.entries) {
    const known = readValue(key, keyAt, input, report)
    const points = readNumber(value, `points of ${what} for ${key}`, report)
    if (known === undefined || points === undefined) return undefined
    table.set(key, points)
    values.push(known)
  }
  const absent = possibleValues(input, table.size).filter((value) => !table.has(String(value)))
  if (absent.length > 0) {
    const message = `${input.field} can be ${JSON.stringify(absent[0])}, which has no points here`
    report(map.at, 'missing_points', message)
  }
  return {
    pointsOf: (value) => table.get(String(value)) ?? 'not_in_enum',
    points: [...table.values()],
    op: 'in',
    expected: shown(values),
  }
}

/** The value that a key of `points` stands for. */
function readValue(
  key: string,
  at: MapTree['at'],
  input: Input,
  report: Report,
): Scalar | undefined {
  const value = valueOfKey(key, input)
  if (value === undefined) {
    report(at, 'wrong_type', `${input.field} is of type ${input.type}; "${key}" is not`)
    return undefined
  }
  if (reportDisguise(value, at, report)) return undefined
  const reading = checkScalar(input, value)
  if (!(reading instanceof NotEstablished)) return value
  if (reading.why === 'not_in_enum') {
    const known = input.allowed?.values().map(String) ?? []
    const message = `${input.field} is never ${JSON.stringify(value)}, by its enum`
    report(at, 'value_not_in_enum', message, { written: key, known })
  } else report(at, 'value_out_of_range', `${input.field} is never ${key}, by its bounds`)
  return undefined
}

function valueOfKey(key: string, { type }: Input): Scalar | undefined {
  if (type === 'string') return key
  if (type === 'boolean') return { true: true, false: false }[key]
  const number = Number(key)
  // Only the plain decimal form: not 0x10, 1e3, " 1" or -0.
  return isOfType('integer', number) && String(number) === key ? number : undefined
}

/** All values of an input if they can be listed, at most one more than have points. */
function possibleValues(input: Input, listed: number): Scalar[] {
  if (input.allowed) return [...input.allowed]
  if (input.type === 'boolean') return [true, false]
  if (input.min === undefined || input.max === undefined) return []
  const first = Math.ceil(input.min)
  const count = Math.min(Math.floor(input.max) - first + 1, listed + 1)
  return Array.from({ length: Math.max(count, 0) }, (_, index) => first + index)
}

/** `bands`: each reaches from its number to the next one's, as levels do. */
function readBands(tree: Tree, what: string, input: Input, report: Report): Scoring | undefined {
  if (input.type !== 'number' && input.type !== 'integer') {
    const message = `${input.field} is of type ${input.type} and takes points, not bands`
    report(tree.at, 'operator_type_mismatch', message)
    return undefined
  }
  const list = readList(tree, `bands of ${what}`, report)
  const bands: { from: number; points: number }[] = []
  for (const item of list?.items ?? []) {
    const map = readShape(item, `band of ${what}`, BAND_KEYS, report)
    const from = map && readNumber(memberOf(map, 'from'), `from of ${what}`, report)
    const points = map && readNumber(memberOf(map, 'points'), `points of ${what}`, report)
    if (!map || from === undefined || points === undefined) return undefined
    const at = placeOfKey(map, 'from')
    const before = bands.at(-1)
    if (before && from <= before.from) {
      report(at, 'bad_range', `bands must rise: ${from} comes after ${before.from}`)
    }
    if (!before && input.min !== undefined && input.min < from) {
      const message = `${input.field} can be ${input.min}, below the first band; start there`
      report(at, 'missing_points', message)
    }
    if (input.max !== undefined && from > input.max) {
      report(at, 'value_out_of_range', `${input.field} is never ${from} or more, by its bounds`)
    }
    bands.push({ from, points })
  }
  const [lowest] = bands
  if (!lowest) return undefined
  return {
    pointsOf: (value) =>
      bands.findLast(({ from }) => (value as number) >= from)?.points ?? 'out_of_range',
    points: bands.map(({ points }) => points),
    op: 'gte',
    expected: lowest.from,
  }
}
