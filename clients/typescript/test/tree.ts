import { hash } from 'node:crypto'

/** SHA-256 in hex over bytes and over hashes in hex. */
const sha256 = (...parts: (string | Buffer)[]): string =>
  hash(
    'sha256',
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)),
    ),
  )

// The tree as RFC 6962 §2.1 defines it, by recursion, without the code under test.

/** The leaves of a log whose entries have these hashes. */
export const leavesOf = (entryHashes: readonly string[]): string[] =>
  entryHashes.map((entryHash) => sha256(Buffer.of(0), entryHash))

/** MTH(D[n]) of RFC 6962 §2.1. */
export function rootOf(leaves: readonly string[]): string {
  if (leaves.length < 2) return leaves[0] ?? sha256()
  const [left, right] = halvesOf(leaves)
  return sha256(Buffer.of(1), rootOf(left), rootOf(right))
}

/** PATH(m, D[n]) of RFC 6962 §2.1.1. */
export function inclusionProof(index: number, leaves: readonly string[]): string[] {
  if (leaves.length < 2) return []
  const [left, right] = halvesOf(leaves)
  return index < left.length
    ? [...inclusionProof(index, left), rootOf(right)]
    : [...inclusionProof(index - left.length, right), rootOf(left)]
}

/** PROOF(m, D[n]) of RFC 6962 §2.1.2. */
export function consistencyProof(from: number, leaves: readonly string[]): string[] {
  const prove = (size: number, rest: readonly string[], isOlder: boolean): string[] => {
    if (size === rest.length) return isOlder ? [] : [rootOf(rest)]
    const [left, right] = halvesOf(rest)
    return size <= left.length
      ? [...prove(size, left, isOlder), rootOf(right)]
      : [...prove(size - left.length, right, false), rootOf(left)]
  }
  return from === 0 ? [] : prove(from, leaves, true)
}

/** Parted at the largest power of two that is smaller than their number. */
function halvesOf(leaves: readonly string[]): [string[], string[]] {
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return [leaves.slice(0, half), leaves.slice(half)]
}
