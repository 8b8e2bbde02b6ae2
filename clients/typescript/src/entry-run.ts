import { type EntryLink, entryFault } from './entry-check.ts'
import type { EntryLine } from './entry-line.ts'
import { ERASURE } from './erasures.ts'
import { CompactTree, leafHash, type Subtree } from './merkle.ts'
import { readOrdinaryEntry } from './ordinary-line.ts'

/**
 * Entries in a row that are right in themselves and behind one another. Whatever lies before the first of them is
 * open: the row can be put behind what was verified elsewhere if it fits there.
 */
export interface EntryRun {
  count: number
  /** What must fit behind the entry before. */
  first: { id: number; prev_hash: string; created_at: bigint }
  last: EntryLink
  /** The tree over the entries, in pieces that end where a root is asked for, and where the row does. */
  pieces: readonly { size: number; subtrees: readonly Subtree[] }[]
}

/** What was read of a block: the row at its beginning, and how many bytes it takes. */
export interface ReadRun {
  run: EntryRun | null
  length: number
}

const LF = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The row of entries with which a block begins, up to the first line that needs a closer look: one that is no ordinary
 * entry, that is wrong, or that does not end. `cuts` are the sizes at which the root of the log is asked for.
 */
export function readRun(
  block: Uint8Array,
  cuts: ReadonlySet<number>,
  maxLineBytes: number,
): ReadRun {
  const builder = new RunBuilder(cuts)
  let start = 0
  for (;;) {
    const end = block.indexOf(LF, start)
    if (end === -1 || end - start > maxLineBytes) break
    const entry = ordinaryEntryOf(block.subarray(start, end))
    if (!entry || !builder.add(entry)) break
    start = end + 1
  }
  return { run: builder.run(), length: start }
}

function ordinaryEntryOf(bytes: Uint8Array): EntryLine | null {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return null
  }
  return readOrdinaryEntry(text)
}

/**
 * Gathers a row of entries. Erased entries and those that account for them end a row: they hang on what is
 * before and behind.
 */
class RunBuilder {
  readonly #cuts: ReadonlySet<number>
  #count = 0
  #first: EntryRun['first'] | null = null
  #last: EntryLink | null = null
  #tree: CompactTree | null = null
  readonly #pieces: { size: number; subtrees: readonly Subtree[] }[] = []

  constructor(cuts: ReadonlySet<number>) {
    this.#cuts = cuts
  }

  /** Takes the next entry; false where it ends the row, be it that it is wrong. */
  add(entry: EntryLine): boolean {
    if (entry.erased_by !== null || entry.event_type === ERASURE) return false
    if (entryFault(entry, this.#last)) return false
    const { id, prev_hash, created_at, entry_hash } = entry
    this.#first ??= { id, prev_hash, created_at }
    this.#last = { id, entry_hash, created_at }
    this.#count++
    this.#tree ??= new CompactTree(id - 1)
    this.#tree.append(leafHash(entry_hash))
    if (this.#cuts.has(id)) this.#cut()
    return true
  }

  /** The row; null if it has no entry. */
  run(): EntryRun | null {
    if (!this.#first || !this.#last) return null
    this.#cut()
    return { count: this.#count, first: this.#first, last: this.#last, pieces: this.#pieces }
  }

  #cut(): void {
    if (this.#tree) this.#pieces.push({ size: this.#tree.size, subtrees: this.#tree.subtrees })
    this.#tree = null
  }
}
