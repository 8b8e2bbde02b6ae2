import { fromBase64, sha256Hex, toHex, writeHex } from './bytes.ts'

/**
 * The Merkle tree of RFC 6962 §2.1 over the log, and its proofs as RFC 9162 §2.1.3 and §2.1.4 check them.
 * A hash is 64 lower-case hex digits. Sizes and indexes go up to 2^53−1, so no operator of JavaScript that
 * cuts its operands to 32 bits touches them.
 */

/** The root of a tree without leaves: SHA256( "" ). */
export const EMPTY_ROOT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const HASH = /^[0-9a-f]{64}$/
const leafBytes = new Uint8Array(33)
const nodeBytes = new Uint8Array(65).fill(1, 0, 1)

/** The leaf of an entry: SHA256( 0x00 ‖ entry_hash ). */
export function leafHash(entryHash: string): string {
  writeHex(entryHash, leafBytes, 1)
  return sha256Hex(leafBytes)
}

/** SHA256( 0x01 ‖ left ‖ right ). */
export function nodeHash(left: string, right: string): string {
  writeHex(left, nodeBytes, 1)
  writeHex(right, nodeBytes, 33)
  return sha256Hex(nodeBytes)
}

/** The hashes of a proof as it travels, each in base64; null where one is none. They may come from anybody. */
export function readHashes(hashes: readonly unknown[]): string[] | null {
  const read: string[] = []
  for (const text of hashes) {
    const bytes = typeof text === 'string' && text.length === 44 ? fromBase64(text) : null
    if (bytes?.length !== 32) return null
    read.push(toHex(bytes))
  }
  return read
}

/** The root of a complete subtree of 2^level leaves. */
export interface Subtree {
  level: number
  hash: string
}

/**
 * Leaves in a row, of which only the roots of the largest complete subtrees are kept: at most two for each
 * level, however many leaves there are. From leaf 0 on it is a tree, whose root can be taken at every size
 * that it passes; what starts behind leaf 0 is a piece that can be appended to a tree that ends there.
 */
export class CompactTree {
  /** Index behind the last leaf: the size of a tree. */
  size: number
  readonly #begin: number
  readonly #subtrees: Subtree[] = []

  /** `begin` is the index of the first leaf. */
  constructor(begin = 0) {
    this.#begin = begin
    this.size = begin
  }

  /** The subtrees that hold all leaves, from left to right. */
  get subtrees(): readonly Subtree[] {
    return this.#subtrees
  }

  /**
   * Appends a leaf hash, or the root of a complete subtree of 2^level leaves. Throws `RangeError` where such
   * a subtree cannot begin.
   */
  append(hash: string, level = 0): void {
    const leaves = 2 ** level
    if (this.size % leaves !== 0) {
      throw new RangeError(`a subtree of ${leaves} leaves cannot begin at leaf ${this.size}`)
    }
    this.size += leaves
    const merged = { level, hash }
    // Two neighbours of one level are halves of a larger subtree if that begins at a multiple of its size.
    for (let next = 2 ** (level + 1); this.size % next === 0; next *= 2) {
      if (this.size - next < this.#begin) break
      const left = this.#subtrees.pop() as Subtree
      merged.hash = nodeHash(left.hash, merged.hash)
      merged.level++
    }
    this.#subtrees.push(merged)
  }

  /** The root of the tree. Throws `RangeError` for a piece that does not start at leaf 0. */
  root(): string {
    if (this.#begin > 0) throw new RangeError('leaves that start behind leaf 0 have no root')
    return (
      this.#subtrees.reduceRight<string | null>(
        (right, { hash }) => (right === null ? hash : nodeHash(hash, right)),
        null,
      ) ?? EMPTY_ROOT
    )
  }
}

/**
 * Whether `hashes` prove that the leaf with this index is in the tree of this size and root (RFC 9162
 * §2.1.3.2). Everything may come from anybody; what is no hash, size or index is false.
 */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: string,
  hashes: readonly string[],
  root: string,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false
  if (![leaf, root, ...hashes].every(isHash)) return false
  let node = index
  let last = size - 1
  let hash = leaf
  for (const sibling of hashes) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash)
      // At the right edge a node may have no sibling for some levels.
      while (node % 2 === 0 && node > 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && hash === root
}

/**
 * Whether `hashes` prove that the tree of size `from` is the beginning of the tree of size `to` (RFC 9162
 * §2.1.4.2). From nothing, and from a tree to itself, the proof is empty. Everything may come from anybody.
 */
export function verifyConsistency(
  from: number,
  to: number,
  fromRoot: string,
  toRoot: string,
  hashes: readonly string[],
): boolean {
  if (!isSize(from) || !isSize(to) || from > to) return false
  if (![fromRoot, toRoot, ...hashes].every(isHash)) return false
  if (to === 0) return hashes.length === 0 && fromRoot === EMPTY_ROOT && toRoot === EMPTY_ROOT
  if (from === 0) return hashes.length === 0 && fromRoot === EMPTY_ROOT
  if (from === to) return hashes.length === 0 && fromRoot === toRoot
  return isConsistent(from, to, fromRoot, toRoot, hashes)
}

function isConsistent(
  from: number,
  to: number,
  fromRoot: string,
  toRoot: string,
  hashes: readonly string[],
): boolean {
  let node = from - 1
  let last = to - 1
  while (node % 2 === 1) {
    node = (node - 1) / 2
    last = Math.floor(last / 2)
  }
  // Where the older tree is one complete subtree, its root is where the proof starts, and is left out of it.
  const [start, ...rest] = node === 0 ? [fromRoot, ...hashes] : hashes
  if (start === undefined) return false
  let older = start
  let newer = start
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      while (node % 2 === 0 && node > 0) {
        node /= 2
        last = Math.floor(last / 2)
      }
    } else {
      newer = nodeHash(newer, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && older === fromRoot && newer === toRoot
}

const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0
const isHash = (value: string) => HASH.test(value)
