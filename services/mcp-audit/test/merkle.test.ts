import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LogTree } from '../src/tree/log-tree.ts'
import {
  consistencyRanges,
  EMPTY_ROOT,
  inclusionRanges,
  leafHash,
  nodeHash,
  verifiesConsistency,
  verifiesInclusion,
} from '../src/tree/merkle.ts'

const MAX = 100
const entryHash = (id: number) => hash('sha256', `entry ${id}`, 'buffer')

const tree = new LogTree()
for (let id = 1; id <= 1_000; id++) tree.append(entryHash(id))

/** The definition of RFC 6962 §2.1, word for word. */
function rootByDefinition(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves
  if (!only) return EMPTY_ROOT
  if (leaves.length === 1) return only
  let k = 1
  while (2 * k < leaves.length) k *= 2
  return nodeHash(rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k)))
}

const flips = (proof: readonly Buffer[]) =>
  proof.map((node, i) => {
    const flipped = Buffer.from(node)
    flipped[i % 32] = (flipped[i % 32] as number) ^ (1 << (i % 8))
    return proof.with(i, flipped)
  })

test('every root to size 300 and at 1,000 is that of the definition', () => {
  const leaves = Array.from({ length: 1_000 }, (_, i) => leafHash(entryHash(i + 1)))
  for (const size of [...Array(301).keys(), 511, 512, 513, 1_000]) {
    assert.deepEqual(tree.hashOf([0, size]), rootByDefinition(leaves.slice(0, size)), `${size}`)
  }
})

test('every leaf of every size to 100 is proven, and no proof with a flipped bit is', () => {
  for (let size = 1; size <= MAX; size++) {
    const root = tree.hashOf([0, size])
    for (let index = 0; index < size; index++) {
      const leaf = leafHash(entryHash(index + 1))
      const proof = inclusionRanges(index, size).map((range) => tree.hashOf(range))
      assert.ok(verifiesInclusion(leaf, index, size, proof, root), `${index} of ${size}`)
      for (const bad of [...flips(proof), [...proof, root], proof.slice(1)]) {
        if (bad.length === proof.length && proof.length === 0) continue
        assert.ok(!verifiesInclusion(leaf, index, size, bad, root), `${index} of ${size}, changed`)
      }
    }
  }
})

test('every older size to 100 is proven, and no proof with a flipped bit is', () => {
  for (let to = 0; to <= MAX; to++) {
    const newer = tree.hashOf([0, to])
    for (let from = 0; from <= to; from++) {
      const older = tree.hashOf([0, from])
      const proof = consistencyRanges(from, to).map((range) => tree.hashOf(range))
      assert.ok(verifiesConsistency(from, older, to, newer, proof), `${from} to ${to}`)
      for (const bad of [...flips(proof), [...proof, newer]]) {
        assert.ok(!verifiesConsistency(from, older, to, newer, bad), `${from} to ${to}, changed`)
      }
      if (proof.length > 0) {
        assert.ok(!verifiesConsistency(from, older, to, newer, proof.slice(1)), 'too short')
        assert.ok(!verifiesConsistency(from, newer, to, newer, proof), 'another older root')
      }
    }
  }
})

test('hashes, roots and proofs are those of the vectors', () => {
  const path = new URL('../../../docs/vectors/merkle.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(path, 'utf8'))
  const hex = (text: string) => Buffer.from(text, 'hex')
  const proof = (texts: string[]) => texts.map((text) => Buffer.from(text, 'base64'))
  assert.equal(EMPTY_ROOT.toString('hex'), vectors.hashes.empty_root)
  assert.equal(leafHash(entryHash(1)).toString('hex'), vectors.hashes.leaf_1)
  for (const { size, root } of vectors.roots) {
    assert.equal(tree.hashOf([0, size]).toString('hex'), root, `${size}`)
  }
  for (const v of vectors.inclusion) {
    const leaf = leafHash(hex(v.entry_hash))
    const holds = verifiesInclusion(leaf, v.index, v.size, proof(v.hashes), hex(v.root))
    assert.equal(holds, v.ok, `inclusion ${v.index} of ${v.size}: ${v.why}`)
  }
  for (const v of vectors.consistency) {
    const roots = [hex(v.from_root), hex(v.to_root)] as const
    const holds = verifiesConsistency(v.from, roots[0], v.to, roots[1], proof(v.hashes))
    assert.equal(holds, v.ok, `consistency ${v.from} to ${v.to}: ${v.why}`)
  }
})
