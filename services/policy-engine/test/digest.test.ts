import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { policyDigest } from '../src/digest.ts'
import { loadPolicySet, type PolicyFile } from '../src/load/load-policies.ts'
import { CALM_RISK } from './sets.ts'

const layer = (name: string, rest = '') => ({
  name: `${name}.yml`,
  content: `policy: ${name}\nversion: "2.0"\ninputs: { flag: { type: boolean } }\nrules:\n  - { id: ${name}, reason: R, deny: { field: flag, op: eq, value: true } }\n${rest}`,
})
const risk = { name: 'risk-matrix.yml', content: CALM_RISK }

function loadFiles(...files: PolicyFile[]) {
  const loaded = loadPolicySet(files)
  assert.ok(loaded.ok)
  return loaded.set
}

test('the digest is SHA-256 over the canonical JSON of the parsed files', () => {
  const text =
    '{"files":[{"content":{"inputs":{"flag":{"type":"boolean"}},"policy":"a","rules":[{"deny":{"field":"flag","op":"eq","value":true},"id":"a","reason":"R"}],"version":"2.0"},"name":"a.yml"},' +
    '{"content":{"deny_at":100,"levels":{"high":4,"low":0},"weights":{"exposure":1}},"name":"risk-matrix.yml"}],"semantics":1}'
  const hex = createHash('sha256').update(text).digest('hex')
  assert.equal(loadFiles(layer('a'), risk).digest, `sha256:${hex}`)
})

const vectors = JSON.parse(
  readFileSync(new URL('../../../docs/vectors/digests.json', import.meta.url), 'utf8'),
)
for (const { files, policy_digest } of vectors.policies) {
  test(`the policy digest of a vector is ${policy_digest.slice(0, 20)}`, () => {
    assert.equal(policyDigest(files), policy_digest)
    assert.equal(policyDigest(files.toReversed()), policy_digest)
  })
}

test('the order of files, comments and layout do not change the digest', () => {
  const plain = loadFiles(layer('a'), layer('b'), risk).digest
  assert.equal(loadFiles(risk, layer('b'), layer('a')).digest, plain)
  assert.equal(loadFiles(layer('a', '\n# a comment\n'), layer('b'), risk).digest, plain)
  const dos = { name: 'a.yml', content: `\uFEFF${layer('a').content.replaceAll('\n', '\r\n')}` }
  assert.equal(loadFiles(dos, layer('b'), risk).digest, plain)
})

test('every change of content or name changes the digest', () => {
  const plain = loadFiles(layer('a'), risk).digest
  const digests = new Set([
    plain,
    loadFiles(layer('a', 'owner: me\n'), risk).digest,
    loadFiles({ ...layer('a'), name: 'c.yml' }, risk).digest,
    loadFiles(layer('a'), { ...risk, content: CALM_RISK.replace('100', '99') }).digest,
    loadFiles(layer('a'), layer('b'), risk).digest,
  ])
  assert.equal(digests.size, 5)
})

test('tests and files of other kinds are no part of the digest', () => {
  const plain = loadFiles(layer('a'), risk).digest
  const others = ['a.tests.yml', 'README.md', 'packs/b.yml'].map((name) => ({ name, content: '{' }))
  assert.equal(loadFiles(layer('a'), risk, ...others).digest, plain)
})

test('names and versions of layers are joined in the order of their files', () => {
  const set = loadFiles(layer('b'), risk, layer('a'))
  assert.equal(set.name, 'a+b')
  assert.equal(set.version, '2.0+2.0')
  assert.deepEqual(set.layers, [
    { policy: 'a', version: '2.0', file: 'a.yml' },
    { policy: 'b', version: '2.0', file: 'b.yml' },
  ])
  assert.deepEqual(set.risk, { name: null, version: null, file: 'risk-matrix.yml' })
})
