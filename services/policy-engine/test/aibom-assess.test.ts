import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '@ai-governance/common/canonical-json'
import { aibomReasons, assessAibom } from '../src/aibom-assess.ts'
import type { AibomResult } from '../src/aibom-result.ts'

interface Case {
  name: string
  names: JsonObject
  aibom: JsonObject
  bound: boolean
  reason: string | null
  evidence: JsonObject | null
}
const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../../docs/vectors/aibom-bindings.json', import.meta.url), 'utf8'),
)
const judged = (status: AibomResult['status'], reason: string | null = null): AibomResult => ({
  status,
  format: 'cyclonedx-jsf',
  key_id: 'ab',
  canonical_sha256: 'cd',
  reason,
})

for (const { name, names, aibom, bound, reason, evidence } of cases) {
  test(`binding, ${name}`, () => {
    const verified = judged('verified')
    assert.deepEqual(assessAibom(names, aibom, verified), {
      result: { ...verified, bound, reason },
      evidence,
    })
  })
}

test('leaving out or mistyping what the payload names never binds a bill that was not bound', () => {
  for (const { names, aibom, bound } of cases) {
    if (bound) continue
    for (const name of Object.keys(names)) {
      const { [name]: _left, ...fewer } = names
      for (const changed of [fewer, { ...names, [name]: 7 }, { ...names, [name]: null }]) {
        assert.equal(assessAibom(changed, aibom, judged('verified')).result.bound, false, name)
      }
    }
  }
})

test('a bill that is not verified is never bound and never evidence, whatever it says', () => {
  for (const { names, aibom } of cases) {
    for (const status of ['absent', 'invalid', 'untrusted_key', 'unsupported'] as const) {
      const { result, evidence } = assessAibom(names, aibom, judged(status, 'a_reason'))
      assert.deepEqual([result.bound, result.reason, evidence], [false, 'a_reason', null])
    }
  }
})

test('where a bill is required one of another model does not meet it, and the reason says why', () => {
  const other = { ...judged('verified', 'model_mismatch'), bound: false }
  assert.deepEqual(aibomReasons(other, true), [
    'A verified AI bill of materials of this model is required: the bill is of another model (model_mismatch).',
  ])
  assert.deepEqual(aibomReasons(other, false), [])
  assert.deepEqual(aibomReasons({ ...judged('verified'), bound: true }, true), [])
  assert.deepEqual(aibomReasons(judged('unsupported', 'not_signed'), true), [
    'A verified AI bill of materials is required (unsupported, not_signed).',
  ])
  for (const required of [true, false]) {
    assert.deepEqual(aibomReasons(judged('invalid', 'signature_mismatch'), required), [
      'The AI bill of materials is not valid: signature_mismatch.',
    ])
  }
})
