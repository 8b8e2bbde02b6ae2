import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadPolicySet } from '../src/load/load-policies.ts'
import { brief, CALM_RISK, INPUTS, loadSet, policyOf } from './sets.ts'

const REQUIRE = 'require: { field: flag, op: eq, value: true }'

function codesOf(...names: string[]): string[] {
  const contents = new Map([
    ['risk-matrix.yml', CALM_RISK.replace('deny_at: 100', 'deny_at: 5')],
    ['a.tests.yml', 'not: read'],
    ['strange.yml', 'something: else'],
    ['list.yml', '[1]'],
  ])
  const files = names.map((name) => ({ name, content: contents.get(name) ?? policyOf(REQUIRE) }))
  const loaded = loadPolicySet(files)
  return (loaded.ok ? loaded.warnings : loaded.errors).map(({ file, code }) => `${file} ${code}`)
}

test('a set needs a policy and a risk matrix, and should have tests', () => {
  assert.deepEqual(codesOf('p.yml', 'risk-matrix.yml', 'a.tests.yml'), [])
  assert.deepEqual(codesOf('p.yml', 'risk-matrix.yml'), ['. no_tests'])
  assert.deepEqual(codesOf('risk-matrix.yml', 'a.tests.yml'), ['. no_policy'])
  assert.deepEqual(codesOf('p.yml', 'a.tests.yml'), ['risk-matrix.yml no_risk_matrix'])
  assert.deepEqual(codesOf(), ['. no_policy', 'risk-matrix.yml no_risk_matrix'])
})

test('a file that would be overlooked is an error', () => {
  const sound = ['p.yml', 'risk-matrix.yml', 'a.tests.yml']
  for (const name of ['q.yaml', 'q.YML', 'strange.yml', 'list.yml', 'a.tests.yaml']) {
    assert.deepEqual(codesOf(...sound, name), [`${name} unknown_file_kind`])
  }
  assert.deepEqual(codesOf(...sound, 'README.md', 'packs/q.yml', 'packs/q.yaml'), [])
})

test('a misspelled file name or key is answered with what was probably meant', () => {
  const message = (name: string, content: string) => {
    const loaded = loadPolicySet([{ name, content }])
    return loaded.ok ? '' : loaded.errors.find((it) => it.code === 'unknown_file_kind')?.message
  }
  assert.match(message('risk-matrx.yml', CALM_RISK)!, /did you mean "risk-matrix.yml"/)
  assert.match(message('p.yml', 'polcy: p\nversion: "1"\n')!, /did you mean "policy"/)
  assert.doesNotMatch(message('notes.yml', 'notes: 1\n')!, /did you mean/)
})

test('two files may not carry one name, one policy name or one rule id', () => {
  assert.deepEqual(codesOf('p.yml', 'p.yml', 'risk-matrix.yml'), ['p.yml duplicate_file'])
  assert.deepEqual(codesOf('p.yml', 'q.yml', 'risk-matrix.yml'), [
    'q.yml duplicate_policy_name',
    'q.yml duplicate_rule_id',
  ])
})

test('two files may not give one field different types', () => {
  const q = `policy: q\nversion: "1"\n${INPUTS.replace('amount: { type: number }', 'amount: { type: integer }')}rules: [{ id: a, reason: R, ${REQUIRE} }]`
  const loaded = loadPolicySet([
    { name: 'p.yml', content: policyOf(REQUIRE) },
    { name: 'q.yml', content: q },
    { name: 'risk-matrix.yml', content: CALM_RISK },
  ])
  assert.ok(!loaded.ok)
  assert.deepEqual(brief(loaded.errors), ['q.yml:7:3 input_conflict'])
})

test('a threshold that no rule uses and a limit that is never reached are warnings', () => {
  const loaded = loadPolicySet([
    { name: 'p.yml', content: `thresholds: { spare: 1 }\n${policyOf(REQUIRE)}` },
    { name: 'risk-matrix.yml', content: CALM_RISK },
    { name: 'p.tests.yml', content: '' },
  ])
  assert.ok(loaded.ok)
  assert.deepEqual(brief(loaded.warnings), [
    'p.yml:1:22 threshold_unused',
    'risk-matrix.yml:4:10 risk_never_denies',
  ])
})

test('attack: a limit that no value can pass, such as 85 for 0.85, does not bound nothing unseen', () => {
  const warningsOf = (comparison: string, thresholds = '') => {
    const policy = policyOf(`require: { field: ${comparison} }`)
    const loaded = loadPolicySet([
      { name: 'p.yml', content: policy.replace('inputs:', `${thresholds}inputs:`) },
      { name: 'p.tests.yml', content: '' },
      { name: 'risk-matrix.yml', content: CALM_RISK.replace('deny_at: 100', 'deny_at: 1') },
    ])
    assert.ok(loaded.ok)
    return brief(loaded.warnings)
  }
  assert.match(
    warningsOf('share, op: lte, value: 85').join(),
    /^p\.yml:\d+:\d+ value_out_of_range$/,
  )
  assert.match(warningsOf('count, op: gt, value: -1').join(), /^p\.yml:\d+:\d+ value_out_of_range$/)
  const named = warningsOf(
    'share, op: lt, value_from: thresholds.most',
    'thresholds: { most: 85 }\n',
  )
  assert.match(named.join(), /^p\.yml:\d+:\d+ value_out_of_range$/)
  for (const sound of [
    'share, op: lte, value: 1',
    'count, op: gte, value: 0',
    'amount, op: lt, value: 85',
  ]) {
    assert.deepEqual(warningsOf(sound), [])
  }
})

test('a threshold may be a list', () => {
  const rule = 'require: { field: colour, op: in, value_from: thresholds.ours }'
  loadSet(policyOf(rule).replace('inputs:', 'thresholds: { ours: [red, blue] }\ninputs:'))
})
