import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate } from '../src/evaluate.ts'
import { loadPolicySet } from '../src/load/load-policies.ts'
import { CALM_RISK, judge, loadSet, NOON, outcomeOf, outcomes, policyOf } from './sets.ts'

const RED = 'field: colour, op: eq, value: red'
const ON = 'field: flag, op: eq, value: true'

test('a require is kept when true, broken when false, and not established without the field', () => {
  const rule = `require: { ${RED} }`
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'kept')
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'broken')
  assert.equal(outcomeOf(rule, {}), 'not_established')
})

test('a deny is broken when true, kept when false, and not established without the field', () => {
  const rule = `deny: { ${RED} }`
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'broken')
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'kept')
  assert.equal(outcomeOf(rule, {}), 'not_established')
})

test('both a broken and a not established block rule deny', () => {
  const set = loadSet(policyOf(`require: { ${RED} }`))
  assert.equal(judge(set, { colour: 'red' }).allowed, true)
  assert.deepEqual(judge(set, { colour: 'blue' }).reasons, ['R1'])
  const undecided = judge(set, {})
  assert.equal(undecided.allowed, false)
  assert.match(undecided.reasons[0]!, /^R1 .*colour \(missing\)/)
})

test('all is false if any part is false, even when another is not established', () => {
  const rule = `require: { all: [{ ${RED} }, { ${ON} }] }`
  assert.equal(outcomeOf(rule, { colour: 'red', flag: true }), 'kept')
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'not_established')
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'broken')
  assert.equal(outcomeOf(rule, {}), 'not_established')
})

test('any is true if any part is true, even when another is not established', () => {
  const rule = `require: { any: [{ ${RED} }, { ${ON} }] }`
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'kept')
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'not_established')
  assert.equal(outcomeOf(rule, { colour: 'green', flag: false }), 'broken')
})

test('a deny with all parts is not disarmed by leaving one of them out', () => {
  const rule = `deny: { all: [{ ${RED} }, { field: text, op: ne, value: safe }] }`
  assert.equal(outcomeOf(rule, { colour: 'red', text: 'other' }), 'broken')
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'not_established')
  assert.equal(outcomeOf(rule, { text: 'other' }), 'not_established')
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'kept')
})

test('ne and not_in are not satisfied by a missing or mistyped field', () => {
  for (const payload of [{}, { colour: null }, { colour: 1 }, { colour: ['red'] }]) {
    assert.equal(
      outcomeOf('require: { field: colour, op: ne, value: red }', payload),
      'not_established',
    )
    assert.equal(
      outcomeOf('require: { field: colour, op: not_in, value: [red] }', payload),
      'not_established',
    )
  }
})

test('a rule whose when is false does not apply', () => {
  const rule = `when: { ${ON} }, require: { ${RED} }`
  assert.equal(outcomeOf(rule, { flag: false, colour: 'green' }), 'not_applicable')
  assert.equal(outcomeOf(rule, { flag: true, colour: 'green' }), 'broken')
})

test('a rule whose when is undecided is judged anyway', () => {
  const rule = `when: { ${ON} }, require: { ${RED} }`
  assert.equal(outcomeOf(rule, { colour: 'green' }), 'broken')
  assert.equal(outcomeOf(rule, { colour: 'red' }), 'kept')
  assert.equal(outcomeOf(rule, {}), 'not_established')
})

test('a request that no block rule covers is denied', () => {
  const set = loadSet(policyOf(`when: { ${ON} }, require: { ${RED} }`))
  assert.deepEqual(judge(set, { flag: false }).reasons, ['nothing_applies'])
})

test('an undecided when is no evidence that a request was covered', () => {
  const set = loadSet(policyOf(`when: { ${ON} }, require: { ${RED} }`))
  assert.deepEqual(judge(set, { colour: 'red' }).reasons, ['nothing_applies'])
  assert.equal(judge(set, { colour: 'red', flag: true }).allowed, true)
})

test('warn and observe rules cover nothing', () => {
  for (const mode of ['warn', 'observe']) {
    const set = loadSet(policyOf(`mode: ${mode}, require: { ${RED} }`))
    assert.deepEqual(judge(set, { colour: 'red' }).reasons, ['nothing_applies'])
  }
})

test('a broken warn rule is a warning, a broken observe rule only explained', () => {
  const set = loadSet(
    policyOf(
      `deny: { ${ON} }`,
      `mode: warn, require: { ${RED} }`,
      `mode: observe, require: { ${RED} }`,
    ),
  )
  const verdict = judge(set, { flag: false, colour: 'blue', risk: { exposure: 0 } })
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.warnings, ['R2'])
  assert.deepEqual(outcomes(verdict), ['kept', 'broken', 'broken'])
})

test('a rule is in force from the first to the last of its days, both included', () => {
  const rule = `effective_from: "2026-06-15", effective_until: "2026-06-16", require: { ${RED} }`
  const set = loadSet(policyOf(`deny: { ${ON} }`, rule))
  const at = (now: string) => {
    const payload = { colour: 'blue', flag: false }
    return outcomes(judge(set, payload, { now: new Date(now) }))[1]
  }
  assert.equal(at('2026-06-14T23:59:59.999Z'), 'not_applicable')
  assert.equal(at('2026-06-15T00:00:00.000Z'), 'broken')
  assert.equal(at('2026-06-16T23:59:59.999Z'), 'broken')
  assert.equal(at('2026-06-17T00:00:00.000Z'), 'not_applicable')
})

test('a rule that is not in force covers nothing and says which day it waits for', () => {
  const set = loadSet(policyOf(`effective_from: "2027-01-01", require: { ${RED} }`))
  const verdict = judge(set, { colour: 'red' })
  assert.deepEqual(verdict.reasons, ['nothing_applies'])
  const because = verdict.explanation[0]!.because
  assert.deepEqual(because[0]!.field, 'effective_from')
  assert.deepEqual([because[0]!.expected, because[0]!.actual], ['2027-01-01', '2026-06-15'])
})

test('every broken rule gives its reason, in file order over all layers', () => {
  const layer = (name: string, reason: string) => ({
    name: `${name}.yml`,
    content: `policy: ${name}\nversion: "1"\ninputs: { flag: { type: boolean } }\nrules:\n  - { id: ${name}, reason: ${reason}, require: { ${ON} } }\n`,
  })
  const files = [
    { name: 'risk-matrix.yml', content: CALM_RISK },
    layer('b', 'second'),
    layer('a', 'first'),
  ]
  const loaded = loadPolicySet(files)
  assert.ok(loaded.ok)
  assert.deepEqual(judge(loaded.set, { flag: false }).reasons, ['first', 'second'])
  assert.equal(judge(loaded.set, { flag: true }).allowed, true)
})

test('a set without layers denies', () => {
  const set = loadSet(policyOf(`require: { ${RED} }`))
  const empty = { ...set, layers: [], compiled: { ...set.compiled, rules: [] } }
  assert.deepEqual(judge(empty, { colour: 'red' }).reasons, ['no_policy'])
})

test('a fault inside denies at the worst risk and does not tell what happened', () => {
  const set = loadSet(policyOf(`require: { ${RED} }`))
  const payload = new Proxy(
    {},
    {
      getOwnPropertyDescriptor() {
        throw new Error('secret detail')
      },
    },
  )
  for (const request of [
    { payload, evidence: null, now: NOON },
    { payload: { colour: 'red' }, evidence: null, now: new Date(Number.NaN) },
  ]) {
    const verdict = evaluate(set, request)
    assert.equal(verdict.allowed, false)
    assert.equal(verdict.risk_score, 5)
    assert.equal(verdict.reasons.length, 1)
    assert.ok(verdict.reasons[0]!.startsWith('engine:'))
    assert.ok(!JSON.stringify(verdict).includes('secret detail'))
  }
})

test('an explanation tells rule, place, law, field, expected and actual', () => {
  const set = loadSet(policyOf(`law: [Art. 1], require: { ${RED} }`))
  assert.deepEqual(judge(set, { colour: 'blue' }).explanation[0], {
    rule: 'r1',
    outcome: 'broken',
    at: 'p.yml:19',
    law: ['Art. 1'],
    because: [{ line: 19, field: 'colour', op: 'eq', expected: 'red', actual: 'blue' }],
  })
})

test('an explanation names the comparisons that decided, and no others', () => {
  const set = loadSet(policyOf(`require: { all: [{ ${RED} }, { any: [{ ${ON} }, { ${RED} }] }] }`))
  const verdict = judge(set, { colour: 'red', flag: false })
  assert.deepEqual(
    verdict.explanation[0]!.because.map((it) => it.field),
    ['colour', 'colour'],
  )
})

test('a field that is not established is explained with actual null and why', () => {
  const cases = [
    ['field: colour, op: eq, value: red', {}, 'missing'],
    ['field: colour, op: eq, value: red', { colour: 1 }, 'wrong_type'],
    ['field: colour, op: eq, value: red', { colour: 'pink' }, 'not_in_enum'],
    ['field: share, op: gte, value: 0.5', { share: 2 }, 'out_of_range'],
    ['field: proven.share, op: gte, value: 0.5', { proven: { share: 1 } }, 'unverified'],
  ] as const
  for (const [condition, payload, why] of cases) {
    const verdict = judge(loadSet(policyOf(`require: { ${condition} }`)), payload)
    const [because] = verdict.explanation[0]!.because
    assert.deepEqual([because?.actual, because?.why], [null, why])
  }
})

test('a long text or list is cut in the explanation, at a whole character', () => {
  const rule =
    'require: { any: [{ field: text, op: eq, value: a }, { field: tags, op: contains, value: a }] }'
  const set = loadSet(policyOf(rule))
  const payload = { text: `${'x'.repeat(199)}${'😀'.repeat(1e5)}`, tags: Array(1e5).fill('b') }
  const verdict = judge(set, payload)
  assert.ok(JSON.stringify(verdict).length < 2000)
  assert.ok((verdict.explanation[0]!.because[0]!.actual as string).isWellFormed())
})

test('a long list of a policy is cut in the explanation and judged whole', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `w${i}`)
  const rule = 'require: { field: text, op: in, value_from: thresholds.ours }'
  const set = loadSet(`thresholds: { ours: [${words}] }\n${policyOf(rule, rule)}`)
  const verdict = judge(set, { text: 'w4999' })
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.explanation[0]!.because[0]!.expected, [...words.slice(0, 20), '…'])
  assert.equal(judge(set, { text: '…' }).allowed, false)
})

test('counts tell how many entries of the explanation have each outcome', () => {
  const set = loadSet(
    policyOf(`require: { ${RED} }`, `deny: { ${ON} }`, `when: { ${ON} }, require: { ${RED} }`),
  )
  const { counts, explanation } = judge(set, { colour: 'red', flag: false })
  assert.deepEqual(counts, { kept: 3, broken: 0, not_established: 0, not_applicable: 1, waived: 0 })
  assert.equal(explanation.length, 4)
})
