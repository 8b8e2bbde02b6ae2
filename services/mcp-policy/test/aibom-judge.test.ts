import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { judgeAibom } from '../src/aibom.ts'
import { makeAibomJudge } from '../src/aibom-judge.ts'
import { makeAibomKey } from '../src/aibom-keys.ts'

const pairs = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')] as const
const [ours, next] = pairs.map(({ publicKey }) => makeAibomKey(publicKey)) as [
  ReturnType<typeof makeAibomKey>,
  ReturnType<typeof makeAibomKey>,
]
const bill = (data: JsonObject) => ({
  data,
  signature: sign(null, Buffer.from(canonicalJson(data)), pairs[0].privateKey).toString('hex'),
})

test('a remembered result is the one that judging gives, in whatever order bills come', () => {
  const bills = Array.from({ length: 8 }, (_, n) => {
    const good = bill({ n })
    return [good, { ...good, key_id: next.id }, { ...good, data: { n: -1 } }]
  }).flat()
  for (const kept of [1, 5, 1000]) {
    const judge = makeAibomJudge([ours, next], kept)
    for (let i = 0; i < 300; i++) {
      const aibom = bills[(i % 2 === 0 ? i : i * 7) % bills.length] as JsonObject
      assert.deepEqual(judge(aibom), judgeAibom(aibom, [ours, next]))
    }
  }
})

test('the same bill in other words has the same result, and a bill changed afterwards has its own', () => {
  const judge = makeAibomJudge([ours])
  const aibom: JsonObject = bill({ a: 1, b: 2 })
  const first = judge(aibom)
  assert.equal(first.status, 'verified')
  assert.equal(judge({ signature: aibom.signature as string, data: { b: 2, a: 1 } }), first)
  ;(aibom.data as JsonObject).a = 3
  assert.equal(judge(aibom).reason, 'signature_mismatch')
})

test('no more results are kept than were asked for, and the one unused longest goes first', () => {
  const judge = makeAibomJudge([ours], 2)
  const [a, b, c] = [bill({ a: 1 }), bill({ b: 1 }), bill({ c: 1 })] as const
  const [ofA, ofB] = [judge(a), judge(b)]
  assert.equal(judge(a), ofA)
  judge(c)
  assert.equal(judge(a), ofA)
  assert.notEqual(judge(b), ofB)
})

test('bills that nobody has signed are not remembered, and push no good one out', () => {
  const judge = makeAibomJudge([ours], 1)
  const good = bill({ a: 1 })
  const ofGood = judge(good)
  for (const bad of [
    { ...good, key_id: 'k'.repeat(1_000_000) },
    { ...good, data: { a: 2 } },
    { data: {}, signature: 'none', key_id: 'another' },
    { bomFormat: 'CycloneDX' },
  ]) {
    const ofBad = judge(bad)
    assert.notEqual(ofBad.status, 'verified')
    assert.notEqual(judge(bad), ofBad)
    assert.equal(judge(good), ofGood)
  }
})

test('a result that is shared cannot be changed', () => {
  const result = makeAibomJudge([ours])(bill({}))
  assert.throws(() => Object.assign(result, { status: 'invalid' }), TypeError)
})

test('what is no object has its result as well', () => {
  const judge = makeAibomJudge([ours])
  assert.deepEqual(
    [undefined, null, 'text', 7, [1]].map((value) => judge(value).status),
    ['absent', 'absent', 'unsupported', 'unsupported', 'unsupported'],
  )
})
