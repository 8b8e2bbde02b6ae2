import { type Input, isOfType, type Scalar, type ScalarType } from '../input.ts'
import type { Report } from './load-problem.ts'
import { reportDisguise } from './look-alike.ts'
import {
  memberOf,
  placeOfKey,
  readList,
  readMap,
  readNumber,
  readShape,
  readWord,
} from './shape.ts'
import type { MapTree, Tree } from './yaml-tree.ts'

export const SCALAR_TYPES = ['string', 'number', 'integer', 'boolean'] as const
export const TYPES = [...SCALAR_TYPES, 'list'] as const
export const INPUT_KEYS = {
  required: ['type'],
  optional: ['items', 'enum', 'min', 'max', 'source'],
} as const

/** Names joined by dots. A name that itself holds a dot cannot be read. */
export const FIELD = /^[A-Za-z_$][\w$-]*(\.[A-Za-z_$][\w$-]*)*$/
const MAX_FIELD_LENGTH = 200

/** Whether a text is a path that rules can read. */
export function isField(text: string): boolean {
  return FIELD.test(text) && text.length <= MAX_FIELD_LENGTH
}

/** Reads the `inputs` of a policy file, keyed by field. Inputs with a problem are left out. */
export function readInputs(tree: Tree | undefined, report: Report): Map<string, Input> {
  const inputs = new Map<string, Input>()
  const map = tree && readMap(tree, 'inputs', report)
  for (const [field, { keyAt, value }] of map?.entries ?? []) {
    if (!isField(field)) {
      report(keyAt, 'bad_name', 'a field is a dotted path of letters, digits, _ - and $')
    }
    const input = readInput(field, value, report)
    if (!input) continue
    if (input.source === 'payload' && /^aibom(\.|$)/.test(field)) {
      const fix = 'declare the field inside the AIBOM with source: aibom'
      report(keyAt, 'unverified_aibom_field', `this reads an AIBOM nobody has verified; ${fix}`)
    }
    inputs.set(field, input)
  }
  return inputs
}

function readInput(field: string, tree: Tree, report: Report): Input | undefined {
  const what = `input ${field}`
  const map = readShape(tree, what, INPUT_KEYS, report)
  if (!map) return undefined
  const declared = readWord(memberOf(map, 'type'), `type of ${what}`, TYPES, report)
  const source = readWord(memberOf(map, 'source'), `source of ${what}`, ['aibom'] as const, report)
  if (declared === undefined) return undefined
  const isList = declared === 'list'
  const type = isList ? readItems(map, what, report) : declared
  if (!isList && map.entries.has('items')) {
    report(placeOfKey(map, 'items'), 'conflicting_keys', 'only an input of type list has items')
  }
  const { min, max } = readBounds(map, what, type, report)
  const allowed = readEnum(map, what, type, report)
  if (allowed && (min !== undefined || max !== undefined)) {
    report(placeOfKey(map, 'enum'), 'conflicting_keys', `${what} takes an enum or bounds, not both`)
  }
  return { field, source: source ?? 'payload', isList, type, min, max, allowed }
}

/** The type of a list's elements; strings unless the file says otherwise. */
function readItems(map: MapTree, what: string, report: Report): ScalarType {
  return readWord(memberOf(map, 'items'), `items of ${what}`, SCALAR_TYPES, report) ?? 'string'
}

function readBounds(map: MapTree, what: string, type: ScalarType, report: Report) {
  const min = readNumber(memberOf(map, 'min'), `min of ${what}`, report)
  const max = readNumber(memberOf(map, 'max'), `max of ${what}`, report)
  const isNumeric = type === 'number' || type === 'integer'
  for (const key of ['min', 'max']) {
    if (isNumeric || !map.entries.has(key)) continue
    report(placeOfKey(map, key), 'operator_type_mismatch', `${key} fits numbers only`)
  }
  if (min !== undefined && max !== undefined && min > max) {
    report(placeOfKey(map, 'min'), 'bad_range', `min of ${what} is above its max`)
  }
  return { min, max }
}

function readEnum(
  map: MapTree,
  what: string,
  type: ScalarType,
  report: Report,
): Set<Scalar> | undefined {
  const list = readList(memberOf(map, 'enum'), `enum of ${what}`, report)
  if (!list) return undefined
  const allowed = new Set<Scalar>()
  for (const item of list.items) {
    const value = item.kind === 'scalar' ? item.value : null
    if (isOfType(type, value)) {
      reportDisguise(value, item.at, report)
      allowed.add(value)
    } else report(item.at, 'wrong_type', `enum of ${what} must hold values of type ${type}`)
  }
  return allowed
}
