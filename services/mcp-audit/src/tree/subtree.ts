import { HASH_BYTES, leafHash, nodeHash } from './merkle.ts'

/** Leaves of a full subtree, the unit that is stored: 2^8. */
export const SUBTREE_LEAVES = 256
/** The level of its root; leaves are level 0. */
export const SUBTREE_LEVEL = 8

/** A subtree of up to 256 leaves with every perfect node in it; it grows leaf by leaf. */
export class Subtree {
  count = 0
  /** By level; node `i` of level `l` covers the leaves i·2^l up to (i+1)·2^l. */
  readonly #levels = Array.from({ length: SUBTREE_LEVEL + 1 }, (_, level) =>
    Buffer.allocUnsafe((SUBTREE_LEAVES >> level) * HASH_BYTES),
  )

  /** From entry hashes side by side, in order. */
  static of(entryHashes: Buffer): Subtree {
    const subtree = new Subtree()
    for (let at = 0; at < entryHashes.length; at += HASH_BYTES) {
      subtree.append(entryHashes.subarray(at, at + HASH_BYTES))
    }
    return subtree
  }

  append(entryHash: Buffer): void {
    if (this.count === SUBTREE_LEAVES) throw new RangeError('the subtree is full')
    let index = this.count++
    this.#set(0, index, leafHash(entryHash))
    for (let level = 0; index % 2 === 1; level++) {
      const parent = nodeHash(this.node(level, index - 1), this.node(level, index))
      index >>= 1
      this.#set(level + 1, index, parent)
    }
  }

  /** A perfect node; its leaves must all be there. */
  node(level: number, index: number): Buffer {
    if ((index + 1) << level > this.count) throw new RangeError('the node is not complete')
    const at = index * HASH_BYTES
    return (this.#levels[level] as Buffer).subarray(at, at + HASH_BYTES)
  }

  /** The leaf hashes side by side, the first `count` of them: a level-0 tile of tlog-tiles. */
  leaves(count: number): Buffer {
    if (count > this.count) throw new RangeError('the leaves are not there')
    return (this.#levels[0] as Buffer).subarray(0, count * HASH_BYTES)
  }

  #set(level: number, index: number, hash: Buffer): void {
    hash.copy(this.#levels[level] as Buffer, index * HASH_BYTES)
  }
}
