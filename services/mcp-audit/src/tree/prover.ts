import { ApiError } from '@ai-governance/common/errors'
import { CHUNK, type TreeReader, type TreeStore } from '../tree-store.ts'
import { LogTree } from './log-tree.ts'
import {
  consistencyRanges,
  HASH_BYTES,
  inclusionRanges,
  leafHash,
  type Range,
  verifiesConsistency,
  verifiesInclusion,
} from './merkle.ts'
import { SUBTREE_LEAVES, SUBTREE_LEVEL, Subtree } from './subtree.ts'

/** What has been signed: the tree must have this root at this size. */
export interface Signed {
  size: number
  root: Buffer
}

/** Why no checkpoint and no proof is given: the database is not the one that was signed. Safe to show. */
export function refusal(reason: string): ApiError {
  return new ApiError(
    'signer_refused',
    `${reason}. Nothing is signed over this database; see docs/OPERATIONS.md, "The signer refuses".`,
  )
}

/**
 * The tree of the log with its proofs. It takes in what the database holds only as a continuation of what
 * was signed, so whatever it answers fits every checkpoint that was ever given.
 */
export class Prover {
  readonly #store: TreeStore
  #tree: LogTree | null = null
  /** `entry_hash` of the last leaf, once it was read. */
  #lastHash: Buffer | null = null
  /** The last signed head that was compared with this tree. */
  #compared: Signed | null = null

  constructor(store: TreeStore) {
    this.#store = store
  }

  /** Leaves taken in. */
  get size(): number {
    return this.#tree?.size ?? 0
  }

  /**
   * Takes in all entries that the database has. Throws `signer_refused` where it does not continue what was
   * signed: entries are missing or others. `reader` holds the signer's lock.
   */
  async catchUp(reader: TreeReader, signed: Signed): Promise<void> {
    try {
      const tree = this.#tree ?? (await firstTree(reader, signed))
      await this.#takeIn(reader, tree)
      if (tree.size < signed.size) {
        throw refusal(
          `The database ends at entry ${tree.size}, and ${signed.size} entries were signed: it went backwards`,
        )
      }
      if (!isSame(signed, this.#compared)) await this.#compare(tree, reader, signed)
      // Not before: nobody is shown a tree that was not compared.
      this.#tree = tree
    } catch (error) {
      // The database may be mended, or another one restored: next time it is read anew.
      this.#forget()
      throw error
    }
  }

  /** Says that this head of the tree is now the signed one. */
  hasSigned(head: Signed): void {
    this.#compared = { size: head.size, root: head.root }
  }

  /** The root of the first `size` leaves. */
  async root(size: number): Promise<Buffer> {
    const hashOf = await this.#provide([[0, size]])
    return hashOf([0, size])
  }

  /** The inclusion proof of the leaf `index` in the tree of `size`; throws `signer_refused` if it does not verify. */
  async inclusion(index: number, size: number): Promise<Buffer[]> {
    return (await this.#included(index, size)).hashes
  }

  /**
   * The inclusion proof of an entry with this hash, for one that was just taken in mostly without waiting. Throws
   * `signer_refused` where the leaf at its position is another one.
   */
  async inclusionOf(entryHash: Buffer, index: number, size: number): Promise<Buffer[]> {
    const own: Range = [index, index + 1]
    const ranges = inclusionRanges(index, size)
    const tree = this.#known
    const { leaf, hashes } = tree.isAtHand([own, ...ranges])
      ? { leaf: tree.hashOf(own), hashes: ranges.map((range) => tree.hashOf(range)) }
      : await this.#included(index, size)
    if (leaf.equals(leafHash(entryHash))) return hashes
    throw refusal(`Entry ${index + 1} is not the one that was signed`)
  }

  /** A leaf with its inclusion proof, both of one gathering; throws `signer_refused` if it does not verify. */
  async #included(index: number, size: number): Promise<{ leaf: Buffer; hashes: Buffer[] }> {
    const own: Range = [index, index + 1]
    const ranges = inclusionRanges(index, size)
    const hashOf = await this.#provide([own, [0, size], ...ranges])
    const leaf = hashOf(own)
    const hashes = ranges.map(hashOf)
    if (verifiesInclusion(leaf, index, size, hashes, hashOf([0, size]))) return { leaf, hashes }
    throw refusal(`Entry ${index + 1} is not the one that was signed`)
  }

  /** The consistency proof between two sizes. */
  async consistency(from: number, to: number): Promise<Buffer[]> {
    const ranges = consistencyRanges(from, to)
    const hashOf = await this.#provide([[0, from], [0, to], ...ranges])
    const hashes = ranges.map(hashOf)
    const roots = [hashOf([0, from]), hashOf([0, to])] as const
    if (verifiesConsistency(from, roots[0], to, roots[1], hashes)) return hashes
    throw refusal(`The tree of ${to} entries does not continue that of ${from}`)
  }

  /** `width` hashes of tile `index` at `level` (https://c2sp.org/tlog-tiles); null beyond the tree. */
  async tile(level: number, index: number, width: number): Promise<Buffer | null> {
    const span = SUBTREE_LEAVES ** level
    const first = index * SUBTREE_LEAVES
    if ((first + width) * span > this.size) return null
    if (level > 0) return this.#known.hashes(SUBTREE_LEVEL * level, first, width)
    const [[, subtree] = []] = await this.#subtrees(this.#known, [[first, first + 1]])
    return subtree?.leaves(width) ?? null
  }

  /** The entry hashes of subtree `index`, `width` of them, compared with the tree; null beyond it. */
  async entries(index: number, width: number): Promise<Buffer | null> {
    const leaves = await this.tile(0, index, width)
    if (!leaves) return null
    const { hashes } = await this.#store.reader().entryHashes(index * SUBTREE_LEAVES + 1, width)
    for (let at = 0; at < width * HASH_BYTES; at += HASH_BYTES) {
      const leaf = leafHash(hashes.subarray(at, at + HASH_BYTES))
      if (!leaf.equals(leaves.subarray(at, at + HASH_BYTES))) throw subtreeRefusal(index)
    }
    return hashes
  }

  get #known(): LogTree {
    if (!this.#tree) throw new ApiError('not_ready')
    return this.#tree
  }

  #forget(): void {
    this.#tree = null
    this.#lastHash = null
    this.#compared = null
  }

  /** Reads what is new, from the last entry known on: that one must still be what it was. */
  async #takeIn(reader: TreeReader, tree: LogTree): Promise<void> {
    if (this.#lastHash) {
      const { count, hashes } = await reader.entryHashes(tree.size)
      if (count === 0) throw refusal(`Entry ${tree.size} is gone: the database went backwards`)
      if (!hashes.subarray(0, HASH_BYTES).equals(this.#lastHash)) {
        throw refusal(
          `Entry ${tree.size} is not the one that was signed: the database was rewritten`,
        )
      }
      this.#append(tree, hashes.subarray(HASH_BYTES))
      if (count < CHUNK) return
    }
    for (let count = CHUNK; count === CHUNK; ) {
      const run = await reader.entryHashes(tree.size + 1)
      this.#append(tree, run.hashes)
      count = run.count
    }
  }

  #append(tree: LogTree, entryHashes: Buffer): void {
    for (let at = 0; at < entryHashes.length; at += HASH_BYTES) {
      const entryHash = entryHashes.subarray(at, at + HASH_BYTES)
      tree.append(entryHash)
      this.#lastHash = entryHash
    }
  }

  async #compare(tree: LogTree, reader: TreeReader, signed: Signed): Promise<void> {
    const range: Range = [0, signed.size]
    const own = await this.#subtrees(tree, [range], reader)
    if (!tree.hashOf(range, own).equals(signed.root)) {
      throw refusal(
        `The first ${signed.size} entries of the database are not those that were signed: it was rewritten`,
      )
    }
    this.hasSigned(signed)
  }

  /** What tells the hashes of these ranges, also when others have driven their subtrees out or the tree was read anew. */
  async #provide(ranges: readonly Range[]): Promise<(range: Range) => Buffer> {
    const tree = this.#known
    const own = await this.#subtrees(tree, ranges)
    return (range) => tree.hashOf(range, own)
  }

  /** The subtrees inside of which these ranges lie; those that are not at hand are read and compared with the tree. */
  async #subtrees(
    tree: LogTree,
    ranges: readonly Range[],
    reader = this.#store.reader(),
  ): Promise<Map<number, Subtree>> {
    const own = new Map<number, Subtree>()
    for (const index of tree.insideOf(ranges)) {
      own.set(index, tree.subtree(index) ?? (await readSubtree(tree, index, reader)))
    }
    return own
  }
}

async function readSubtree(tree: LogTree, index: number, reader: TreeReader): Promise<Subtree> {
  const { count, hashes } = await reader.entryHashes(index * SUBTREE_LEAVES + 1, SUBTREE_LEAVES)
  if (count < SUBTREE_LEAVES) throw subtreeRefusal(index)
  const subtree = Subtree.of(hashes)
  const root = tree.hashes(SUBTREE_LEVEL, index, 1)
  if (!subtree.node(SUBTREE_LEVEL, 0).equals(root)) throw subtreeRefusal(index)
  tree.keep(index, subtree)
  return subtree
}

function isSame(signed: Signed, other: Signed | null): boolean {
  return other !== null && signed.size === other.size && signed.root.equals(other.root)
}

function subtreeRefusal(index: number): ApiError {
  const first = index * SUBTREE_LEAVES + 1
  return refusal(
    `The entries ${first} to ${first + SUBTREE_LEAVES - 1} are not those that were signed`,
  )
}

/**
 * Stored subtrees are believed as far as they are inside what was signed, because its root will show whether
 * they are right; what lies behind that is computed from entries.
 */
async function firstTree(reader: TreeReader, signed: Signed): Promise<LogTree> {
  const wanted = Math.floor(signed.size / SUBTREE_LEAVES)
  const parts: Buffer[] = []
  let known = 0
  while (known < wanted) {
    const { count, hashes } = await reader.subtreeRoots(known)
    if (count === 0) {
      throw refusal(`The stored subtree ${known} of the tree is missing: GET /verify tells more`)
    }
    parts.push(hashes.subarray(0, (wanted - known) * HASH_BYTES))
    known += count
  }
  return LogTree.of(Buffer.concat(parts))
}
