import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import {
  CompactTree,
  EMPTY_ROOT,
  leafHash,
  nodeHash,
  readHashes,
  verifyConsistency,
  verifyInclusion,
} from '../src/merkle.ts'
import { consistencyProof, inclusionProof, leavesOf, rootOf } from './tree.ts'
import { readVectors } from './vectors.ts'

const MOST = 100
const entryHashes = Array.from({ length: MOST }, (_, i) => hash('sha256', `entry ${i + 1}`))
const leaves = leavesOf(entryHashes)
const first = (size: number) => leaves.slice(0, size)
const roots = Array.from({ length: MOST + 1 }, (_, size) => rootOf(first(size)))
const rootAt = (size: number) => roots[size] as string
const leafAt = (index: number) => leaves[index] as string

/** The hash with its last bit turned. */
const flipped = (hex: string): string =>
  hex.slice(0, -1) + (Number.parseInt(hex.slice(-1), 16) ^ 1).toString(16)
/** Every proof that differs from this one in one bit of one hash, in one hash less, or in one more. */
const spoiled = (proof: readonly string[]): string[][] => [
  ...proof.map((hex, i) => proof.with(i, flipped(hex))),
  ...proof.map((_, i) => proof.toSpliced(i, 1)),
  ...proof.map((hex, i) => proof.toSpliced(i, 0, hex)),
  [...proof, rootAt(1)],
]

test('a tree has the root of RFC 6962 at every size that it passes', () => {
  const tree = new CompactTree()
  assert.equal(tree.root(), EMPTY_ROOT)
  for (const [i, entryHash] of entryHashes.entries()) {
    assert.equal(leafHash(entryHash), leafAt(i))
    tree.append(leafHash(entryHash))
    assert.deepEqual([tree.size, tree.root()], [i + 1, rootAt(i + 1)])
  }
  assert.equal(tree.subtrees.length, 3)
})

test('a piece that starts anywhere can be appended to the tree that ends there', () => {
  for (let begin = 0; begin <= 40; begin++) {
    const piece = new CompactTree(begin)
    for (let end = begin; end <= MOST; end++) {
      const tree = new CompactTree()
      for (const leaf of first(begin)) tree.append(leaf)
      for (const { hash: subtree, level } of piece.subtrees) tree.append(subtree, level)
      assert.equal(tree.root(), rootAt(end))
      if (end < MOST) piece.append(leafAt(end))
    }
    if (begin > 0) assert.throws(() => piece.root(), RangeError)
  }
  assert.throws(() => new CompactTree(1).append(leafAt(1), 1), RangeError)
})

test('every leaf of every tree is proven, and nothing else is', () => {
  for (let size = 1; size <= MOST; size++) {
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, first(size))
      const holds = (at: number, of: number, leaf = leafAt(index), hashes = proof) =>
        verifyInclusion(at, of, leaf, hashes, rootAt(size))
      assert.equal(holds(index, size), true, `${index} of ${size}`)
      assert.equal(holds(index, size, flipped(leafAt(index))), false)
      for (const bad of spoiled(proof)) assert.equal(holds(index, size, leafAt(index), bad), false)
      for (let other = 0; other < size; other++) {
        if (other !== index) assert.equal(holds(other, size), false, `${index} as ${other}`)
      }
      for (const beyond of [-1, size, 0.5, 2 ** 53]) assert.equal(holds(beyond, size), false)
    }
  }
})

test('a proof of inclusion holds for no tree that needs another number of hashes', () => {
  const proof = inclusionProof(4, first(8))
  for (const size of [0, 4, 9, 16, 17, 2 ** 53 - 1, 2 ** 53]) {
    assert.equal(verifyInclusion(4, size, leafAt(4), proof, rootAt(8)), false, `${size}`)
  }
})

test('every older tree is proven, and nothing else is', () => {
  for (let to = 0; to <= MOST; to++) {
    for (let from = 0; from <= to; from++) {
      const proof = consistencyProof(from, first(to))
      const holds = (older = rootAt(from), newer = rootAt(to), hashes = proof) =>
        verifyConsistency(from, to, older, newer, hashes)
      assert.equal(holds(), true, `${from} to ${to}`)
      assert.equal(holds(flipped(rootAt(from))), false)
      // Nothing is the beginning of everything, whatever the newer root.
      assert.equal(holds(rootAt(from), flipped(rootAt(to))), from === 0 && to > 0)
      for (const bad of spoiled(proof)) {
        assert.equal(holds(rootAt(from), rootAt(to), bad), false, `${from} to ${to}`)
      }
    }
  }
})

test('a proof of consistency holds for no other two sizes that need other hashes', () => {
  for (let to = 1; to <= 20; to++) {
    for (let from = 1; from <= to; from++) {
      const proof = consistencyProof(from, first(to))
      for (let other = 1; other <= 20; other++) {
        const older = (size: number) => verifyConsistency(size, to, rootAt(from), rootAt(to), proof)
        if (other !== from) assert.equal(older(other), false, `${from} as ${other} to ${to}`)
      }
      for (const odd of [-1, 0, 0.5, to + 1, 2 ** 53]) {
        assert.equal(verifyConsistency(odd, to, rootAt(from), rootAt(to), proof), false)
      }
    }
  }
})

test('what is no hash proves nothing', () => {
  for (const odd of ['', 'x', rootAt(1).toUpperCase(), rootAt(1).slice(2), ` ${rootAt(1)}`]) {
    assert.equal(verifyInclusion(0, 1, odd, [], odd), false)
    assert.equal(verifyInclusion(0, 2, leafAt(0), [odd], rootAt(2)), false)
    assert.equal(verifyConsistency(1, 1, odd, odd, []), false)
    assert.equal(verifyConsistency(1, 2, rootAt(1), rootAt(2), [odd]), false)
  }
})

interface Proof {
  hashes: string[]
  ok: boolean
  why?: string
}
const vectors = readVectors<{
  hashes: Record<'empty_root' | 'entry_hash_1' | 'leaf_1' | 'leaf_2' | 'node_1_2', string>
  roots: { size: number; root: string }[]
  inclusion: (Proof & { index: number; size: number; entry_hash: string; root: string })[]
  consistency: (Proof & { from: number; to: number; from_root: string; to_root: string })[]
}>('merkle.json')

test('hashes and roots are those of the vectors', () => {
  const { empty_root, entry_hash_1, leaf_1, leaf_2, node_1_2 } = vectors.hashes
  assert.equal(entryHashes[0], entry_hash_1)
  assert.deepEqual([EMPTY_ROOT, leafHash(entry_hash_1)], [empty_root, leaf_1])
  assert.equal(nodeHash(leaf_1, leaf_2), node_1_2)
  for (const { size, root } of vectors.roots) {
    const tree = new CompactTree()
    for (let id = 1; id <= size; id++) tree.append(leafHash(hash('sha256', `entry ${id}`)))
    assert.equal(tree.root(), root, `${size}`)
  }
})

test('proofs hold as the vectors say', () => {
  for (const { index, size, entry_hash, hashes, root, ok, why } of vectors.inclusion) {
    const read = readHashes(hashes)
    const holds = read !== null && verifyInclusion(index, size, leafHash(entry_hash), read, root)
    assert.equal(holds, ok, `${index} of ${size}: ${why ?? 'right'}`)
  }
  for (const { from, to, from_root, to_root, hashes, ok, why } of vectors.consistency) {
    const read = readHashes(hashes)
    const holds = read !== null && verifyConsistency(from, to, from_root, to_root, read)
    assert.equal(holds, ok, `${from} to ${to}: ${why ?? 'right'}`)
  }
})
