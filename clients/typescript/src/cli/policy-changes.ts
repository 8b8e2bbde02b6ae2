import {
  type PolicyFile,
  parseTree,
  plainValue,
  reporter,
  sourceOf,
  type Tree,
} from './policy-engine.ts'

/** One thing that two policy folders say differently. */
export interface PolicyChange {
  kind: 'added' | 'removed' | 'changed'
  file: string
  /** Where it stands in the file that has it, the new one if both do; counts from 1. */
  line: number
  /** Which one says it at that line. */
  side: 'old' | 'new'
  /** Such as `rules accuracy require value`: keys, and of a list of named things the `id`. */
  path: string
  before: unknown
  after: unknown
}

/**
 * What two policy folders that load say differently, file by file: comments, layout and the order of rules do not
 * count, and tests are left out.
 */
export function policyChanges(
  before: readonly PolicyFile[],
  after: readonly PolicyFile[],
): PolicyChange[] {
  const old = treesOf(before)
  const now = treesOf(after)
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names.flatMap((file) => {
    const found: PolicyChange[] = []
    compare({ file, path: '' }, old.get(file), now.get(file), found)
    return found
  })
}

/** Both sets have been loaded, so every file can be parsed. */
function treesOf(files: readonly PolicyFile[]): Map<string, Tree> {
  const trees = new Map<string, Tree>()
  for (const { name, content } of files) {
    const tree = name.endsWith('.tests.yml')
      ? undefined
      : parseTree(sourceOf(content), reporter(name, []))
    if (tree) trees.set(name, tree)
  }
  return trees
}

interface Where {
  file: string
  path: string
}

function compare(
  where: Where,
  old: Tree | undefined,
  now: Tree | undefined,
  found: PolicyChange[],
) {
  const oldParts = old && partsOf(old)
  const nowParts = now && partsOf(now)
  if (oldParts && nowParts) {
    for (const name of new Set([...oldParts.keys(), ...nowParts.keys()])) {
      const path = where.path === '' ? name : `${where.path} ${name}`
      compare({ file: where.file, path }, oldParts.get(name), nowParts.get(name), found)
    }
    return
  }
  const before = old && plainValue(old)
  const after = now && plainValue(now)
  if (JSON.stringify(before) === JSON.stringify(after)) return
  const kind = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed'
  const place = (now ?? old)?.at
  if (place)
    found.push({ ...where, kind, line: place.line, side: now ? 'new' : 'old', before, after })
}

/** The named parts of a map, or of a list whose elements all have an `id` of their own; else null. */
function partsOf(tree: Tree): Map<string, Tree> | null {
  if (tree.kind === 'map') {
    return new Map([...tree.entries].map(([name, { value }]) => [name, value]))
  }
  if (tree.kind === 'scalar') return null
  const parts = new Map<string, Tree>()
  for (const item of tree.items) {
    const id = item.kind === 'map' ? item.entries.get('id')?.value : undefined
    if (id?.kind === 'scalar' && typeof id.value === 'string') parts.set(id.value, item)
  }
  return parts.size === tree.items.length && parts.size > 0 ? parts : null
}
