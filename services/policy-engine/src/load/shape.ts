import type { Place, Report } from './load-problem.ts'
import type { ListTree, MapTree, Tree } from './yaml-tree.ts'

/*
 * Typed reading of a tree. Each function returns undefined after it reported what is wrong, so that
 * the caller can go on and find the other problems of the file. `what` names the value in messages.
 */

/** Which keys a map takes. */
export interface Keys {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

export function readMap(tree: Tree, what: string, report: Report): MapTree | undefined {
  if (tree.kind === 'map') return tree
  report(tree.at, 'wrong_type', `${what} must be a map of keys and values`)
  return undefined
}

/** A map with exactly these keys; a problem with them is reported and does not stop the reading. */
export function readShape(
  tree: Tree,
  what: string,
  keys: Keys,
  report: Report,
): MapTree | undefined {
  const map = readMap(tree, what, report)
  if (!map) return undefined
  const known = [...keys.required, ...keys.optional]
  for (const [key, { keyAt }] of map.entries) {
    if (known.includes(key)) continue
    report(keyAt, 'unknown_key', `${what} has no key "${key}"`, { written: key, known })
  }
  for (const key of keys.required) {
    if (!map.entries.has(key)) report(map.at, 'missing_key', `${what} needs the key "${key}"`)
  }
  return map
}

export function memberOf(map: MapTree, key: string): Tree | undefined {
  return map.entries.get(key)?.value
}

/** Where a key is written, or where its map starts if it is not. */
export function placeOfKey(map: MapTree, key: string): Place {
  return map.entries.get(key)?.keyAt ?? map.at
}

export function readText(tree: Tree | undefined, what: string, report: Report): string | undefined {
  if (!tree) return undefined
  if (tree.kind === 'scalar' && typeof tree.value === 'string' && tree.value.trim() !== '') {
    return tree.value
  }
  const hint = tree.kind === 'scalar' && tree.value !== null ? '; put it in quotes' : ''
  report(tree.at, 'wrong_type', `${what} must be a text that is not empty${hint}`)
  return undefined
}

export function readNumber(
  tree: Tree | undefined,
  what: string,
  report: Report,
): number | undefined {
  if (!tree) return undefined
  if (tree.kind === 'scalar' && typeof tree.value === 'number') return tree.value
  report(tree.at, 'wrong_type', `${what} must be a number`)
  return undefined
}

export function readBoolean(
  tree: Tree | undefined,
  what: string,
  report: Report,
): boolean | undefined {
  if (!tree) return undefined
  if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value
  report(tree.at, 'wrong_type', `${what} must be true or false`)
  return undefined
}

/** A list with at least one item. */
export function readList(
  tree: Tree | undefined,
  what: string,
  report: Report,
): ListTree | undefined {
  if (!tree) return undefined
  if (tree.kind !== 'list') {
    report(tree.at, 'wrong_type', `${what} must be a list`)
    return undefined
  }
  if (tree.items.length > 0) return tree
  report(tree.at, 'empty_list', `${what} must not be empty`)
  return undefined
}

/** The items of a list, which may be left out or empty. */
export function readItems(tree: Tree | undefined, what: string, report: Report): readonly Tree[] {
  if (!tree) return []
  if (tree.kind === 'list') return tree.items
  report(tree.at, 'wrong_type', `${what} must be a list`)
  return []
}

/** One of a few words. */
export function readWord<Word extends string>(
  tree: Tree | undefined,
  what: string,
  words: readonly Word[],
  report: Report,
): Word | undefined {
  if (!tree) return undefined
  const found = words.find((word) => tree.kind === 'scalar' && tree.value === word)
  if (found !== undefined) return found
  const written = tree.kind === 'scalar' ? String(tree.value) : ''
  report(tree.at, 'unknown_value', `${what} must be one of ${words.join(', ')}`, {
    written,
    known: words,
  })
  return undefined
}

/** Of several keys exactly one must be there; returns it. */
export function readChoice<Key extends string>(
  map: MapTree,
  what: string,
  keys: readonly Key[],
  report: Report,
): Key | undefined {
  const [first, second] = keys.filter((key) => map.entries.has(key))
  if (first === undefined) {
    report(map.at, 'missing_key', `${what} needs one of the keys ${keys.join(', ')}`)
    return undefined
  }
  if (second === undefined) return first
  const both = `${what} takes only one of the keys ${keys.join(', ')}`
  report(placeOfKey(map, second), 'conflicting_keys', both)
  return undefined
}

/** Of policies, versions and rules. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Names of policies, versions and rules: they are joined with `+` and printed in one line. */
export function readName(tree: Tree | undefined, what: string, report: Report): string | undefined {
  const name = readText(tree, what, report)
  if (name === undefined || tree === undefined) return undefined
  if (NAME.test(name)) return name
  report(tree.at, 'bad_name', `${what} may hold letters, digits and . _ - (at most 100)`)
  return undefined
}
