import type { AuditEntry } from '@ai-governance/common/formats/audit-entry'
import type { TreeHead } from './signer/signed-note.ts'
import { LogTree } from './tree/log-tree.ts'
import { HASH_BYTES } from './tree/merkle.ts'
import { SUBTREE_LEAVES, SUBTREE_LEVEL, Subtree } from './tree/subtree.ts'
import type { TreeReader } from './tree-store.ts'
import type { Fault } from './verify-fault.ts'

/** Recomputes each full subtree that the entries complete, and holds it against the stored one. */
export class SubtreeCheck {
  readonly #trees: TreeReader
  #index: number
  #subtree: Subtree

  private constructor(trees: TreeReader, index: number, subtree: Subtree) {
    this.#trees = trees
    this.#index = index
    this.#subtree = subtree
  }

  /** For entries from `firstId` on; those before it in its subtree were verified in an earlier step. */
  static async from(trees: TreeReader, firstId: number): Promise<SubtreeCheck> {
    const index = Math.floor((firstId - 1) / SUBTREE_LEAVES)
    const before = firstId - 1 - index * SUBTREE_LEAVES
    const { hashes } = await trees.entryHashes(index * SUBTREE_LEAVES + 1, before)
    return new SubtreeCheck(trees, index, Subtree.of(hashes))
  }

  /** The next entries, right in themselves; the first subtree among them that is not stored as it is. */
  async fault(entries: readonly AuditEntry[]): Promise<Fault | null> {
    const roots: Buffer[] = []
    for (const { entry_hash } of entries) {
      this.#subtree.append(Buffer.from(entry_hash, 'hex'))
      if (this.#subtree.count < SUBTREE_LEAVES) continue
      roots.push(this.#subtree.node(SUBTREE_LEVEL, 0))
      this.#subtree = new Subtree()
    }
    if (roots.length === 0) return null
    const first = this.#index
    this.#index += roots.length
    const stored = await this.#trees.subtreeRoots(first, roots.length)
    for (const [i, root] of roots.entries()) {
      if (i >= stored.count) return storedFault(first + i, 'is missing')
      const at = i * HASH_BYTES
      if (!stored.hashes.subarray(at, at + HASH_BYTES).equals(root)) {
        return storedFault(first + i, 'is not the root of its entries')
      }
    }
    return null
  }
}

function storedFault(index: number, what: string): Fault {
  const id = index * SUBTREE_LEAVES + 1
  const reason = `the stored subtree ${index} (entries ${id} to ${id + SUBTREE_LEAVES - 1}) ${what}`
  return { id, reason }
}

/** The tree of a log of `size` from its stored subtrees and last entries, or what is wrong with them. */
export async function wholeTree(trees: TreeReader, size: number): Promise<LogTree | Fault> {
  const full = Math.floor(size / SUBTREE_LEAVES)
  const parts: Buffer[] = []
  let known = 0
  while (known < full) {
    const { count, hashes } = await trees.subtreeRoots(known)
    if (count === 0) return storedFault(known, 'is missing')
    parts.push(hashes.subarray(0, (full - known) * HASH_BYTES))
    known += count
  }
  if ((await trees.subtreeRoots(full, 1)).count > 0) {
    // Another append may have completed it since.
    const { count } = await trees.entryHashes(full * SUBTREE_LEAVES + 1, SUBTREE_LEAVES)
    if (count < SUBTREE_LEAVES) return storedFault(full, 'has no entries')
  }
  const tree = LogTree.of(Buffer.concat(parts))
  const { hashes } = await trees.entryHashes(full * SUBTREE_LEAVES + 1, size - tree.size)
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    tree.append(hashes.subarray(at, at + HASH_BYTES))
  }
  return tree
}

/** What is wrong where the tree does not continue what was signed. */
export async function signedFault(
  tree: LogTree,
  trees: TreeReader,
  signed: TreeHead | null,
): Promise<Fault | null> {
  if (!signed) return null
  for (const index of tree.insideOf([[0, signed.size]])) {
    if (tree.subtree(index)) continue
    const { hashes } = await trees.entryHashes(index * SUBTREE_LEAVES + 1, SUBTREE_LEAVES)
    tree.keep(index, Subtree.of(hashes))
  }
  // One root tells that entries up to its size are others, and not which.
  return tree.hashOf([0, signed.size]).equals(signed.root)
    ? null
    : { id: 1, reason: `the first ${signed.size} entries are not those that were signed` }
}
