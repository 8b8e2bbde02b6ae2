import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { policyDigest } from '@ai-governance/policy-engine/digest'
import { makeAibomJudge } from '../src/aibom-judge.ts'
import { decide } from '../src/decide.ts'
import { EXAMPLE, shippedPolicies } from './service.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../../docs/vectors/digests.json', import.meta.url), 'utf8'),
)
const { set } = await shippedPolicies()
const rules = { set, judge: makeAibomJudge([]), aibomRequired: false, slaMs: 1500 }

test('a decision later than the limit denies and says so', () => {
  const late = decide(rules, EXAMPLE, new Date(), () => 1_500.1)
  assert.deepEqual([late.allowed, late.within_sla], [false, false])
  assert.equal(late.reasons.length, 1)
  const intime = decide(rules, EXAMPLE, new Date(), () => 1_500)
  assert.deepEqual([intime.allowed, intime.within_sla], [true, true])
})

test('the clock of a decision is the one it is given', () => {
  const decision = decide(rules, EXAMPLE, new Date('2027-01-02T03:04:05.678Z'), () => 1)
  assert.equal(decision.evaluated_at, '2027-01-02T03:04:05.678000Z')
})

for (const { payload, input_digest } of vectors.inputs) {
  test(`the input digest of a vector is ${input_digest.slice(0, 20)}`, () => {
    assert.equal(decide(rules, payload, new Date(), () => 1).input_digest, input_digest)
  })
}

for (const { files, policy_digest } of vectors.policies) {
  test(`the policy digest of a vector is ${policy_digest.slice(0, 20)}`, () => {
    assert.equal(policyDigest(files), policy_digest)
    assert.equal(policyDigest(files.toReversed()), policy_digest)
  })
}
