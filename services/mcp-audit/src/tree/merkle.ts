import { hash } from 'node:crypto'

/** Bytes of a hash. */
export const HASH_BYTES = 32

/** Root of the tree over no leaves (RFC 6962 §2.1). */
export const EMPTY_ROOT = hash('sha256', '', 'buffer')

/** Leaf of an entry: SHA256(0x00 ‖ entry_hash), docs/FORMATS.md. */
export function leafHash(entryHash: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(1 + HASH_BYTES)
  bytes[0] = 0x00
  entryHash.copy(bytes, 1)
  return hash('sha256', bytes, 'buffer')
}

/** Inner node: SHA256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES)
  bytes[0] = 0x01
  left.copy(bytes, 1)
  right.copy(bytes, 1 + HASH_BYTES)
  return hash('sha256', bytes, 'buffer')
}

/** The leaves from `begin` up to but not including `end`; a node of a tree is the hash over such a range. */
export type Range = readonly [begin: number, end: number]

/** The largest power of two below `n` (n ≥ 2): where RFC 6962 splits a tree of n leaves. */
function splitOf(n: number): number {
  let k = 1
  while (2 * k < n) k *= 2
  return k
}

/** The nodes of the inclusion proof of leaf `index` in a tree of `size`, in their order (RFC 9162 §2.1.3.1). */
export function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = []
  let [begin, end] = [0, size]
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin)
    if (index < middle) {
      ranges.push([middle, end])
      end = middle
    } else {
      ranges.push([begin, middle])
      begin = middle
    }
  }
  return ranges.reverse()
}

/** The nodes of the consistency proof between the sizes `from` ≤ `to`, in their order (RFC 9162 §2.1.4.1). */
export function consistencyRanges(from: number, to: number): Range[] {
  if (from === 0 || from === to) return []
  const ranges: Range[] = []
  let [begin, end] = [0, to]
  let isWhole = true
  while (from !== end) {
    const middle = begin + splitOf(end - begin)
    if (from <= middle) {
      ranges.push([middle, end])
      end = middle
    } else {
      ranges.push([begin, middle])
      begin = middle
      isWhole = false
    }
  }
  // The older tree itself is left out: whoever verifies has its root.
  if (!isWhole) ranges.push([begin, end])
  return ranges.reverse()
}

/** The perfect subtrees of `range`, largest first where it starts at a multiple of its own size. */
export function perfectRanges([begin, end]: Range): Range[] {
  const ranges: Range[] = []
  let at = begin
  while (at < end) {
    let width = 1
    while (at % (2 * width) === 0 && at + 2 * width <= end) width *= 2
    ranges.push([at, at + width])
    at += width
  }
  return ranges
}

function areHashes(proof: readonly Buffer[]): boolean {
  return proof.every((hash) => hash.length === HASH_BYTES)
}

/** Whether `proof` shows that `leaf` is at `index` of the tree of `size` with this root (RFC 9162 §2.1.3.2). */
export function verifiesInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (index < 0 || index >= size || !areHashes(proof)) return false
  let [fn, sn] = [BigInt(index), BigInt(size) - 1n]
  let at = leaf
  for (const sibling of proof) {
    if (sn === 0n) return false
    if ((fn & 1n) === 1n || fn === sn) {
      at = nodeHash(sibling, at)
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else {
      at = nodeHash(at, sibling)
    }
    ;[fn, sn] = [fn >> 1n, sn >> 1n]
  }
  return sn === 0n && at.equals(root)
}

/** Whether `proof` shows that the tree of `to` continues the one of `from` (RFC 9162 §2.1.4.2). */
export function verifiesConsistency(
  from: number,
  fromRoot: Buffer,
  to: number,
  toRoot: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (from > to || !areHashes(proof)) return false
  if (from === 0 && !fromRoot.equals(EMPTY_ROOT)) return false
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot)
  // Everything continues a tree without leaves.
  if (from === 0) return proof.length === 0
  let [fn, sn] = [BigInt(from) - 1n, BigInt(to) - 1n]
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n]
  // A first tree that is a perfect subtree of the second is not repeated in the proof.
  const path = fn === 0n ? [fromRoot, ...proof] : [...proof]
  const first = path.shift()
  if (!first) return false
  let [older, newer] = [first, first]
  for (const node of path) {
    if (sn === 0n) return false
    if ((fn & 1n) === 1n || fn === sn) {
      older = nodeHash(node, older)
      newer = nodeHash(node, newer)
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    } else {
      newer = nodeHash(newer, node)
    }
    ;[fn, sn] = [fn >> 1n, sn >> 1n]
  }
  return sn === 0n && older.equals(fromRoot) && newer.equals(toRoot)
}
