import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { parseDay } from '../day.ts'
import type { Report } from '../load/load-problem.ts'
import { isField } from '../load/read-input.ts'
import { memberOf, readList, readMap, readText } from '../load/shape.ts'
import { type MapTree, plainValue, type Tree } from '../load/yaml-tree.ts'

/*
 * The input of a test case: the base of its file with the differences of the case. One tree holds
 * all of it. Its member `aibom` stands for what a verified AIBOM says and is kept from the payload;
 * a rule could not read it there anyway.
 */

export interface TestInput {
  readonly payload: JsonObject
  readonly evidence: JsonObject | null
}

export const MOMENT = /^(\d{4}-\d{2}-\d{2})(T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ)?$/

/** A UTC day, which means its first instant, or an instant such as `2026-06-15T12:00:00Z`. */
export function readMoment(tree: Tree | undefined, what: string, report: Report): Date | undefined {
  if (!tree) return undefined
  const text = tree.kind === 'scalar' ? String(tree.value) : ''
  const day = MOMENT.exec(text)?.[1]
  if (day !== undefined && parseDay(day) !== null) return new Date(text)
  const message = `${what} must be a day, YYYY-MM-DD, or an instant, YYYY-MM-DDThh:mm:ssZ`
  report(tree.at, 'bad_date', message)
  return undefined
}

/** Reads `base`, whose own keys may be dotted paths like those of `set`. */
export function readBase(tree: Tree | undefined, report: Report): JsonObject | undefined {
  return tree && setAll({}, tree, 'base', report)
}

/** Applies `unset`, then `set`, to the base; undefined if one of them has a problem. */
export function readChanges(
  map: MapTree,
  what: string,
  base: JsonObject,
  report: Report,
): TestInput | undefined {
  let clean = true
  let input = base
  for (const item of readList(memberOf(map, 'unset'), `unset of ${what}`, report)?.items ?? []) {
    const path = readText(item, `unset of ${what}`, report)
    const rest = path === undefined ? null : without(input, path.split('.'))
    if (rest) input = rest
    else clean = false
    if (path !== undefined && !rest) reportAbsent(input, path, item, report)
  }
  const setTree = memberOf(map, 'set')
  const changed = setTree ? setAll(input, setTree, `set of ${what}`, report) : input
  if (!changed || !clean) return undefined
  const { aibom = null, ...payload } = changed
  if (aibom === null || isObject(aibom)) return { payload, evidence: aibom }
  report(map.at, 'wrong_type', 'aibom must be a map: the fields of a verified AIBOM')
  return undefined
}

/** Sets each path of a map; undefined if the map or one of them has a problem. */
function setAll(
  input: JsonObject,
  tree: Tree,
  what: string,
  report: Report,
): JsonObject | undefined {
  const set = readMap(tree, what, report)
  if (!set) return undefined
  let clean = true
  let result = input
  const noting: Report = (...problem) => {
    clean = false
    report(...problem)
  }
  const paths = [...set.entries.keys()]
  for (const [path, { keyAt, value }] of set.entries) {
    const inner = paths.find((other) => other.startsWith(`${path}.`))
    if (!isField(path)) {
      const message = `"${path.slice(0, 40)}" is no dotted path of letters, digits, _ - and $`
      noting(keyAt, 'bad_name', message)
    } else if (inner !== undefined) {
      const message = `${what} has ${path} and ${inner}, which is a part of it; write one of them`
      noting(keyAt, 'conflicting_keys', message)
    } else {
      const changed = having(result, path.split('.'), plainValue(value))
      if (changed) result = changed
      else noting(keyAt, 'wrong_type', `${path} cannot be set: a part of its path is not a map`)
    }
  }
  return clean ? result : undefined
}

/** A misspelled path would leave the field in, and the case would test something else. */
function reportAbsent(input: JsonObject, path: string, { at }: Tree, report: Report): void {
  const names = path.split('.').slice(0, -1)
  let owner: JsonValue | undefined = input
  for (const name of names) owner = isObject(owner) ? ownMember(owner, name) : undefined
  const known = isObject(owner) ? Object.keys(owner) : []
  const meant = known.map((name) => [...names, name].join('.'))
  const message = `the base has no "${path}" to leave out`
  report(at, 'nothing_to_unset', message, { written: path, known: meant })
}

/*
 * Only the maps on the path are copied: a large base that hundreds of cases change would otherwise
 * be there hundreds of times.
 */

/** The input without the member at the path; null if it has none. */
function without(input: JsonObject, [name, ...rest]: string[]): JsonObject | null {
  if (name === undefined || !Object.hasOwn(input, name)) return null
  const copy = copyOf(input)
  if (rest.length === 0) {
    delete copy[name]
    return copy
  }
  const inner = copy[name]
  const changed = isObject(inner) && without(inner, rest)
  if (!changed) return null
  copy[name] = changed
  return copy
}

/** The input with a value at the path; null if something else than a map is in the way. */
function having(input: JsonObject, [name, ...rest]: string[], value: JsonValue): JsonObject | null {
  if (name === undefined) return null
  const copy = copyOf(input)
  if (rest.length === 0) {
    copy[name] = value
    return copy
  }
  const inner = Object.hasOwn(input, name) ? copy[name] : {}
  const changed = isObject(inner) && having(inner, rest, value)
  if (!changed) return null
  copy[name] = changed
  return copy
}

/** Has no prototype, so that `__proto__` is a name like others. */
function copyOf(input: JsonObject): JsonObject {
  return Object.assign(Object.create(null), input)
}

function ownMember(owner: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(owner, name) ? owner[name] : undefined
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
