import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { formatLoadProblem, loadPolicySet } from '../src/load/load-policies.ts'
import { judge } from './sets.ts'

const files = ['model-policy.yml', 'risk-matrix.yml'].map((name) => ({
  name,
  content: readFileSync(new URL(`../../../policies/${name}`, import.meta.url), 'utf8'),
}))
const loaded = loadPolicySet(files)
assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(formatLoadProblem).join('\n'))
const { set } = loaded

const RISK = {
  data_sensitivity: 1,
  model_complexity: 1,
  deployment_impact: 1,
  monitoring_maturity: 3,
}
const EXAMPLE = { model_class: 'vision', use_case: 'general', risk: RISK }

test('the example request is allowed with risk score 3', () => {
  const verdict = judge(set, EXAMPLE)
  assert.deepEqual(verdict.reasons, [])
  assert.equal(verdict.allowed, true)
  assert.equal(verdict.risk_score, 3)
  assert.equal(verdict.risk_level, 'low')
})

test('the example without its risk is denied at score 45, and every factor is named', () => {
  const { risk: _, ...rest } = EXAMPLE
  const verdict = judge(set, rest)
  assert.equal(verdict.allowed, false)
  assert.equal(verdict.risk_score, 45)
  assert.equal(verdict.risk_level, 'high')
  for (const factor of Object.keys(RISK)) {
    assert.ok(verdict.reasons.some((reason) => reason.includes(`risk.${factor}`)))
  }
})

test('leaving one factor out, or sending it as no number, raises the score and names it', () => {
  const worst: [string, number][] = [
    ['data_sensitivity', 15],
    ['model_complexity', 11],
    ['deployment_impact', 19],
    ['monitoring_maturity', 9],
  ]
  for (const [factor, score] of worst) {
    for (const value of [undefined, null, '1', true, [1]] as (JsonValue | undefined)[]) {
      const risk: JsonObject = { ...RISK }
      delete risk[factor]
      if (value !== undefined) risk[factor] = value
      const verdict = judge(set, { ...EXAMPLE, risk })
      assert.equal(verdict.risk_score, score)
      assert.ok(JSON.stringify(verdict.explanation).includes(`risk.${factor}`))
    }
  }
})

test('high-risk use is denied without oversight and allowed with it', () => {
  const request = { ...EXAMPLE, use_case: 'credit-scoring' }
  const without = judge(set, request)
  assert.equal(without.allowed, false)
  assert.equal(
    without.explanation.find((it) => it.rule === 'high-risk-oversight')?.outcome,
    'not_established',
  )
  const oversight = { human: 'in-the-loop', owner: 'credit-risk-team' }
  assert.equal(judge(set, { ...request, oversight }).allowed, true)
  assert.equal(
    judge(set, { ...request, oversight: { ...oversight, human: 'none' } }).allowed,
    false,
  )
})

test('a prohibited use, an unknown use and an unstated use are denied', () => {
  for (const use_case of ['social-scoring', 'cooking', null]) {
    assert.equal(judge(set, { ...EXAMPLE, use_case }).allowed, false)
  }
  const { use_case: _, ...rest } = EXAMPLE
  assert.equal(judge(set, rest).allowed, false)
})
