import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@ai-governance/common/formats/canonical-json'
import { judge, loadSet, policyOf } from './sets.ts'

const RISK = `
scale: { min: 1, max: 4 }
weights: { harm: 3, watch: -2 }
levels: { severe: 8, fine: 0, medium: 5 }
deny_at: 8
`
const set = loadSet(
  policyOf('deny: { field: risk.harm, op: gt, value: 5 }').replace(
    'gt, value: 5',
    'gt, value: 3.5',
  ),
  RISK,
)

function riskOf(risk: JsonValue | undefined) {
  const verdict = judge(set, risk === undefined ? {} : { risk })
  return { score: verdict.risk_score, level: verdict.risk_level, verdict }
}

test('the score is the sum of weight times value', () => {
  assert.equal(riskOf({ harm: 2, watch: 1 }).score, 4)
  assert.equal(riskOf({ harm: 1.5, watch: 4 }).score, -3.5)
})

test('a factor that is left out counts at the end of the scale that is worst', () => {
  assert.equal(riskOf({ watch: 1 }).score, 10)
  assert.equal(riskOf({ harm: 2 }).score, 4)
  assert.equal(riskOf({}).score, 10)
  assert.equal(riskOf(undefined).score, 10)
})

test('what is not a number on the scale counts like a factor that is left out', () => {
  for (const value of [null, '1', true, [1], {}, 0.9, 4.1, -1e308, Number.NaN, Infinity]) {
    assert.equal(riskOf({ harm: value, watch: 1 }).score, 10)
    assert.equal(riskOf({ harm: 2, watch: value }).score, 4)
  }
  for (const risk of [null, 'x', 1, [1, 2], [{ harm: 1, watch: 4 }]]) {
    assert.equal(riskOf(risk).score, 10)
  }
})

test('a factor that is not established is named, whether the request is denied or not', () => {
  const denied = riskOf({ watch: 1 }).verdict
  assert.equal(denied.allowed, false)
  assert.ok(denied.reasons.some((reason) => reason.includes('risk.harm')))
  const allowed = riskOf({ harm: 2 }).verdict
  assert.equal(allowed.allowed, true)
  assert.ok(allowed.warnings.some((warning) => warning.includes('risk.watch')))
  const because = allowed.explanation.at(-1)!.because
  assert.deepEqual(because[0], {
    line: 3,
    field: 'risk.watch',
    op: 'within',
    expected: [1, 4],
    actual: null,
    why: 'missing',
  })
})

test('the level is the highest that the score reaches, and the lowest below all', () => {
  assert.equal(riskOf({ harm: 4, watch: 1 }).level, 'severe')
  assert.equal(riskOf({ harm: 3, watch: 2 }).level, 'medium')
  assert.equal(riskOf({ harm: 2, watch: 2 }).level, 'fine')
  assert.equal(riskOf({ harm: 1, watch: 4 }).level, 'fine')
})

test('a score at the limit denies', () => {
  const just = riskOf({ harm: 3.33, watch: 1 }).verdict
  assert.deepEqual([just.allowed, just.explanation.at(-1)!.outcome], [true, 'kept'])
  const atLimit = judge(set, { risk: { harm: 10 / 3, watch: 1 } })
  assert.equal(atLimit.risk_score, 8)
  assert.deepEqual([atLimit.allowed, atLimit.explanation.at(-1)!.outcome], [false, 'broken'])
})

test('the limit is explained under its own id and place', () => {
  const entry = riskOf({ harm: 4, watch: 1 }).verdict.explanation.at(-1)
  assert.equal(entry?.rule, 'risk-score')
  assert.equal(entry?.at, 'risk-matrix.yml:5')
  assert.deepEqual(entry?.because, [
    { line: 5, field: 'risk_score', op: 'lt', expected: 8, actual: 10 },
  ])
})

test('attack: inherited members are no factors', () => {
  const odd = loadSet(
    policyOf('deny: { field: flag, op: eq, value: true }'),
    RISK.replace('harm', 'constructor'),
  )
  assert.equal(judge(odd, { risk: { watch: 1 } }).risk_score, 10)
})

test('a rule reads a risk factor without declaring it', () => {
  assert.equal(riskOf({ harm: 4, watch: 4 }).verdict.explanation[0]!.outcome, 'broken')
  assert.equal(riskOf({ harm: 1, watch: 4 }).verdict.explanation[0]!.outcome, 'kept')
  assert.equal(riskOf({ harm: 9, watch: 4 }).verdict.explanation[0]!.outcome, 'not_established')
})

test('the scale is 0 to 5 unless the matrix says otherwise', () => {
  const plain = loadSet(
    policyOf('deny: { field: flag, op: eq, value: true }'),
    RISK.replace(/scale.*\n/, ''),
  )
  assert.equal(judge(plain, {}).risk_score, 15)
})
