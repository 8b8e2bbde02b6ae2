import { EMPTY_ROOT, HASH_BYTES, nodeHash, perfectRanges, type Range } from './merkle.ts'
import { SUBTREE_LEAVES, SUBTREE_LEVEL, Subtree } from './subtree.ts'

/** Full subtrees whose nodes stay at hand: those that appends have just completed, and some that were asked for. */
const KEPT_SUBTREES = 64
const NONE: ReadonlyMap<number, Subtree> = new Map()

/**
 * The tree of the log in memory: every perfect node from the full subtrees upwards (16 bytes for each 64
 * entries), the subtree that is being filled, and a few whole ones. Nodes inside other subtrees come from
 * their entries when they are needed. It only grows, so a hash that was right for a size stays right.
 */
export class LogTree {
  /** By level above the full subtrees, hashes side by side. */
  readonly #upper: GrowingHashes[] = []
  readonly #kept = new Map<number, Subtree>()
  #tail = new Subtree()
  /** Nodes at the right edge of one size by where they begin: the proofs of a batch share them. */
  #edge = { end: -1, hashes: new Map<number, Buffer>() }

  /** From the roots of the first full subtrees, side by side. */
  static of(subtreeRoots: Buffer): LogTree {
    const tree = new LogTree()
    for (let at = 0; at < subtreeRoots.length; at += HASH_BYTES) {
      tree.#push(subtreeRoots.subarray(at, at + HASH_BYTES))
    }
    return tree
  }

  /** Leaves. */
  get size(): number {
    return this.#fullSubtrees * SUBTREE_LEAVES + this.#tail.count
  }

  append(entryHash: Buffer): void {
    this.#tail.append(entryHash)
    if (this.#tail.count < SUBTREE_LEAVES) return
    const full = this.#tail
    this.#tail = new Subtree()
    this.keep(this.#fullSubtrees, full)
    this.#push(full.node(SUBTREE_LEVEL, 0))
  }

  /** Makes the nodes inside a full subtree available; the oldest that was kept gives way. */
  keep(index: number, subtree: Subtree): void {
    this.#kept.set(index, subtree)
    if (this.#kept.size <= KEPT_SUBTREES) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }

  /** The subtrees inside of which `hashOf` looks for these ranges. */
  insideOf(ranges: readonly Range[]): number[] {
    const inside = new Set<number>()
    for (const [begin, end] of ranges.flatMap(perfectRanges)) {
      if (end - begin < SUBTREE_LEAVES) inside.add(Math.floor(begin / SUBTREE_LEAVES))
    }
    return [...inside]
  }

  /** Whether `hashOf` can answer for these ranges with what is at hand. */
  isAtHand(ranges: readonly Range[]): boolean {
    return this.insideOf(ranges).every((index) => this.subtree(index) !== undefined)
  }

  /**
   * The hash over a range of leaves that is a node of some tree. `own` are subtrees that the caller has, which others may
   * have driven out here meanwhile. Throws `RangeError` beyond the size.
   */
  hashOf(range: Range, own: ReadonlyMap<number, Subtree> = NONE): Buffer {
    const [begin, end] = range
    if (begin === end) return EMPTY_ROOT
    // Most nodes of a proof are perfect; only those at the right edge are not.
    if (isPerfect(range)) return this.#perfect(range, own)
    if (end !== this.#edge.end) this.#edge = { end, hashes: new Map() }
    const known = this.#edge.hashes.get(begin)
    if (known) return known
    const parts = perfectRanges(range).map((part) => this.#perfect(part, own))
    const hash = parts.reduceRight((right, left) => nodeHash(left, right))
    this.#edge.hashes.set(begin, hash)
    return hash
  }

  /** The subtree with this index, if its nodes are at hand. */
  subtree(index: number): Subtree | undefined {
    return index === this.#fullSubtrees ? this.#tail : this.#kept.get(index)
  }

  /** `count` hashes of `level` from `first` on, side by side; levels below that of full subtrees are not kept here. */
  hashes(level: number, first: number, count: number): Buffer {
    return this.#upper[level - SUBTREE_LEVEL]?.range(first, count) ?? Buffer.alloc(0)
  }

  get #fullSubtrees(): number {
    return this.#upper[0]?.count ?? 0
  }

  #push(root: Buffer): void {
    let hash = root
    for (let level = 0; ; level++) {
      this.#upper[level] ??= new GrowingHashes()
      const hashes = this.#upper[level] as GrowingHashes
      hashes.push(hash)
      if (hashes.count % 2 === 1) return
      hash = nodeHash(hashes.at(hashes.count - 2), hashes.at(hashes.count - 1))
    }
  }

  #perfect([begin, end]: Range, own: ReadonlyMap<number, Subtree>): Buffer {
    const level = Math.round(Math.log2(end - begin))
    const index = begin / (end - begin)
    if (level >= SUBTREE_LEVEL) {
      const hashes = this.#upper[level - SUBTREE_LEVEL]
      if (!hashes || index >= hashes.count) throw new RangeError('the tree has no such node')
      return hashes.at(index)
    }
    const at = Math.floor(begin / SUBTREE_LEAVES)
    const subtree = own.get(at) ?? this.subtree(at)
    if (!subtree) throw new RangeError('the subtree of the node is not at hand')
    return subtree.node(level, index % (SUBTREE_LEAVES / (end - begin)))
  }
}

/** Whether a range is a power of two wide and starts at a multiple of its width. */
function isPerfect([begin, end]: Range): boolean {
  const width = end - begin
  return 2 ** Math.round(Math.log2(width)) === width && begin % width === 0
}

/** Hashes side by side in memory that doubles. */
class GrowingHashes {
  count = 0
  #bytes = Buffer.allocUnsafe(64 * HASH_BYTES)

  push(hash: Buffer): void {
    const at = this.count++ * HASH_BYTES
    if (at === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * at)
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    hash.copy(this.#bytes, at)
  }

  at(index: number): Buffer {
    return this.range(index, 1)
  }

  range(first: number, count: number): Buffer {
    if (first + count > this.count) throw new RangeError('the hashes are not there')
    return this.#bytes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES)
  }
}
