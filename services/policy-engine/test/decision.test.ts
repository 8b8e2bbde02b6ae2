import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { AibomResult } from '../src/aibom/result.ts'
import { type DecisionRules, decisionOf } from '../src/decision.ts'
import { CALM_RISK, loadSet, NOON, policyOf } from './sets.ts'

const ABSENT: AibomResult = {
  status: 'absent',
  format: null,
  key_id: null,
  canonical_sha256: null,
  reason: null,
}
const ID = '00000000-0000-4000-8000-000000000000'
const set = loadSet(policyOf('require: { field: flag, op: eq, value: true }'), CALM_RISK)
const RULES: DecisionRules = { set, aibomRequired: false, slaMs: 1500 }
const PAYLOAD = { risk: { exposure: 0 }, flag: true }

function decide(changes: Partial<DecisionRules> = {}, ms = 0.25, payload: object = PAYLOAD) {
  const request = { payload: payload as typeof PAYLOAD, aibom: ABSENT, now: NOON, id: ID }
  return decisionOf({ ...RULES, ...changes }, { ...request, elapsedMs: () => ms })
}

test('a decision says what was decided, by which policies, about what and when', () => {
  const { allowed, reasons, decision_id, evaluated_at, policy, input_digest, aibom } = decide()
  assert.deepEqual([allowed, reasons, decision_id], [true, [], ID])
  assert.equal(evaluated_at, '2026-06-15T12:00:00.000000Z')
  assert.deepEqual(policy, { name: 'p', version: '1', digest: set.digest })
  assert.equal(input_digest, `sha256:${hash('sha256', '{"flag":true,"risk":{"exposure":0}}')}`)
  assert.deepEqual(aibom, { ...ABSENT, bound: false })
})

const vectors = JSON.parse(
  readFileSync(new URL('../../../docs/vectors/digests.json', import.meta.url), 'utf8'),
)
for (const { payload, input_digest } of vectors.inputs) {
  test(`the input digest of a vector is ${input_digest.slice(0, 20)}`, () => {
    assert.equal(decide({}, 1, payload).input_digest, input_digest)
  })
}

test('whether it came too late follows from the time that it says it took', () => {
  for (const [ms, elapsed_ms, within_sla] of [
    [1500, 1500, true],
    [1500.0004, 1500, true],
    [1499.9996, 1500, true],
    [1500.0006, 1500.001, false],
  ] as const) {
    const decision = decide({}, ms)
    assert.deepEqual([decision.elapsed_ms, decision.within_sla], [elapsed_ms, within_sla])
    assert.equal(decision.allowed, within_sla)
    const again = decide({}, decision.elapsed_ms)
    assert.deepEqual(again, decision)
  }
  const late = 'The decision took longer than the 1500 ms it may take.'
  assert.deepEqual(decide({}, 2000).reasons, [late])
})

test('a bill of materials that is required denies first, then the rules, then the time', () => {
  const { reasons } = decide({ aibomRequired: true }, 2000, { ...PAYLOAD, flag: false })
  assert.deepEqual(
    reasons.map((text) => text.split(' ').slice(0, 2).join(' ')),
    ['A verified', 'R1', 'The decision'],
  )
})

test('what breaks inside denies, and is told to the operator alone', () => {
  const faults: unknown[] = []
  const readers = set.compiled.readers.map(() => () => {
    throw new Error('inside')
  })
  const broken = { ...set, compiled: { ...set.compiled, readers } }
  const onFault = (error: unknown) => faults.push(error)
  const { allowed, reasons } = decide({ set: broken, onFault })
  assert.equal(allowed, false)
  assert.match(reasons.join(), /^engine: /)
  assert.match(String(faults), /inside/)
})
