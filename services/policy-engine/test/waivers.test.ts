import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { brief, errorsOf, judge, loadSet, outcomes, policyOf, withWaivers } from './sets.ts'

const RED = 'field: colour, op: eq, value: red'
const RULE = `require: { ${RED} }`
const SIGNED = 'expires: "2026-06-15", approved_by: dpo@example.org, why: Pilot.'
const WAIVER = `rule: r1, match: { field: text, op: eq, value: pilot }, ${SIGNED}`
const RISK = { risk: { exposure: 0 } }
const BLUE = { colour: 'blue', text: 'pilot', ...RISK }

const set = loadSet(withWaivers(policyOf(RULE), WAIVER))

function at(now: string, payload: JsonObject = BLUE) {
  return judge(set, payload, { now: new Date(now) })
}

test('a waiver excuses a rule that is broken, and the answer shows it', () => {
  const verdict = judge(set, BLUE)
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.reasons, [])
  assert.deepEqual(verdict.waived, ['r1: Pilot. (approved by dpo@example.org, until 2026-06-15)'])
  assert.equal(verdict.counts.waived, 1)
  assert.equal(verdict.counts.broken, 0)
})

test('the explanation of a waived rule tells what broke it, what matched and until when', () => {
  const [entry] = judge(set, BLUE).explanation
  assert.equal(entry!.outcome, 'waived')
  assert.deepEqual(entry!.because, [
    { line: 19, field: 'colour', op: 'eq', expected: 'red', actual: 'blue' },
    { line: 21, field: 'text', op: 'eq', expected: 'pilot', actual: 'pilot' },
    { line: 21, field: 'expires', op: 'lte', expected: '2026-06-15', actual: '2026-06-15' },
  ])
})

test('a waiver excuses through its last day and is said to have expired after it', () => {
  assert.equal(at('2026-06-15T23:59:59.999Z').allowed, true)
  const late = at('2026-06-16T00:00:00.000Z')
  assert.equal(late.allowed, false)
  assert.deepEqual(late.reasons, ['R1'])
  assert.deepEqual(late.waived, [])
  assert.deepEqual(late.warnings, ['The waiver of r1 (p.yml:21) expired after 2026-06-15.'])
})

test('an expired waiver is mentioned only where it would have excused', () => {
  for (const payload of [{ colour: 'red', text: 'pilot' }, { colour: 'blue', text: 'x' }, {}]) {
    const verdict = at('2027-01-01T00:00:00Z', { ...payload, ...RISK })
    assert.deepEqual(verdict.warnings, [])
  }
})

test('attack: a field that is left out or mistyped is not excused', () => {
  for (const colour of [undefined, null, 1, ['red'], 'pink']) {
    const payload: JsonObject = { text: 'pilot', ...(colour !== undefined && { colour }) }
    const verdict = judge(set, payload)
    assert.deepEqual(outcomes(verdict), ['not_established'])
    assert.equal(verdict.allowed, false)
    assert.deepEqual(verdict.waived, [])
  }
})

test('attack: a match that is not established gains nothing', () => {
  const not = `rule: r1, match: { field: text, op: ne, value: sales }, ${SIGNED}`
  const any = `rule: r1, match: { any: [{ field: flag, op: eq, value: true }, { field: text, op: ne, value: sales }] }, ${SIGNED}`
  for (const waiver of [not, any]) {
    const open = loadSet(withWaivers(policyOf(RULE), waiver))
    assert.equal(judge(open, { ...BLUE, text: 'research' }).allowed, true)
    for (const text of [undefined, null, 7, ['research'], {}]) {
      const payload: JsonObject = { colour: 'blue', ...(text !== undefined && { text }) }
      assert.deepEqual(judge(open, payload).reasons, ['R1'])
    }
  }
})

test('a waiver excuses the rule that it names and no other', () => {
  const two = loadSet(
    withWaivers(policyOf(RULE, 'deny: { field: colour, op: eq, value: blue }'), WAIVER),
  )
  const verdict = judge(two, BLUE)
  assert.deepEqual(outcomes(verdict), ['waived', 'broken'])
  assert.deepEqual(verdict.reasons, ['R2'])
})

test('of several waivers the first that matches and is in force excuses', () => {
  const late = WAIVER.replace('2026-06-15', '2027-06-15').replace('Pilot.', 'Longer pilot.')
  const three = loadSet(
    withWaivers(policyOf(RULE), WAIVER.replace('value: pilot', 'value: other'), WAIVER, late),
  )
  assert.match(judge(three, BLUE).waived.join(), /^r1: Pilot\. [^,]*, until 2026-06-15\)$/)
  const after = judge(three, BLUE, { now: new Date('2026-06-16T00:00:00Z') })
  assert.match(after.waived.join(), /^r1: Longer pilot\./)
  assert.deepEqual(after.warnings, [])
})

test('a waived rule is evidence that the request was covered, unless its when is undecided', () => {
  const when = loadSet(
    withWaivers(policyOf(`when: { field: flag, op: eq, value: true }, ${RULE}`), WAIVER),
  )
  assert.equal(judge(when, { ...BLUE, flag: true }).allowed, true)
  const undecided = judge(when, BLUE)
  assert.deepEqual(outcomes(undecided), ['waived'])
  assert.deepEqual(undecided.reasons, ['nothing_applies'])
})

test('a waived warn rule is listed as waived and warns no more', () => {
  const warn = loadSet(withWaivers(policyOf(`mode: warn, ${RULE}`), WAIVER))
  const verdict = judge(warn, BLUE)
  assert.deepEqual(verdict.warnings, [])
  assert.equal(verdict.waived.length, 1)
})

test('a match may read verified evidence and thresholds', () => {
  const proven = `rule: r1, match: { field: proven.share, op: gte, value_from: thresholds.share }, ${SIGNED}`
  const policy = `thresholds: { share: 0.5 }\n${withWaivers(policyOf(RULE), proven)}`
  const loaded = loadSet(policy)
  const evidence = { proven: { share: 0.7 } }
  assert.equal(judge(loaded, BLUE, { evidence }).allowed, true)
  assert.equal(judge(loaded, { ...BLUE, ...evidence }).allowed, false)
})

test('waivers may be an empty list', () => {
  assert.deepEqual(errorsOf(`${policyOf(RULE)}waivers: []\n`), [])
})

const MATCH = 'match: { field: text, op: eq, value: a }'
const BAD: [code: string, rule: string, waiver: string][] = [
  ['unknown_rule', RULE, `rule: ‸r9, ${MATCH}, ${SIGNED}`],
  ['rule_not_waivable', `waivable: false, ${RULE}`, `rule: ‸r1, ${MATCH}, ${SIGNED}`],
  ['missing_key', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace('why: Pilot.', '')}`],
  ['missing_key', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace(/approved_by[^,]*,/, '')}`],
  ['missing_key', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace(/expires[^,]*,/, '')}`],
  ['missing_key', RULE, `rule: r1, ${SIGNED}`],
  ['missing_key', RULE, `${MATCH}, ${SIGNED}`],
  ['unknown_key', RULE, `rule: r1, ${MATCH}, ${SIGNED}, ‸until: 1`],
  ['wrong_type', RULE, `rule: ‸1, ${MATCH}, ${SIGNED}`],
  ['wrong_type', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace('dpo@example.org', '‸""')}`],
  ['bad_date', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace('"2026-06-15"', '‸"2026-06-31"')}`],
  ['bad_date', RULE, `rule: r1, ${MATCH}, ${SIGNED.replace('"2026-06-15"', '‸never')}`],
  ['undeclared_field', RULE, `rule: r1, match: { field: ‸txt, op: eq, value: a }, ${SIGNED}`],
  [
    'waiver_never_matches',
    RULE,
    `rule: r1, match: { all: [{ field: text, op: eq, value: a }, ‸{ field: text, op: eq, value: b }] }, ${SIGNED}`,
  ],
  [
    'waiver_never_matches',
    'deny: { field: colour, op: eq, value: blue }',
    `rule: r1, match: ‸{ ${RED} }, ${SIGNED}`,
  ],
  [
    'waiver_never_matches',
    `when: { field: share, op: gt, value: 0.5 }, ${RULE}`,
    `rule: r1, match: ‸{ field: share, op: lt, value: 0.5 }, ${SIGNED}`,
  ],
  [
    'waiver_never_matches',
    `effective_from: "2026-06-16", ${RULE}`,
    `rule: r1, ${MATCH}, ‸${SIGNED}`,
  ],
]

for (const [code, rule, waiver] of BAD) {
  test(`${code} is reported of the waiver: ${waiver} for ${rule}`, () => {
    const marked = waiver.includes('‸') ? `  - { ${waiver} }` : `  - ‸{ ${waiver} }`
    const column = marked.indexOf('‸') + 1
    const problems = errorsOf(withWaivers(policyOf(rule), waiver.replace('‸', '')))
    assert.deepEqual(brief(problems), [`p.yml:21:${column} ${code}`])
  })
}

test('nothing is claimed of a waiver that can excuse', () => {
  for (const [rule, waiver] of [
    [RULE, `rule: r1, match: { ${RED} }, ${SIGNED}`],
    [`when: { ${RED} }, ${RULE}`, `rule: r1, ${MATCH}, ${SIGNED}`],
    [`effective_from: "2026-06-15", ${RULE}`, `rule: r1, ${MATCH}, ${SIGNED}`],
  ] as const) {
    assert.deepEqual(errorsOf(withWaivers(policyOf(rule), waiver)), [])
  }
})

test('a near miss of a rule is answered with what was probably meant', () => {
  const [problem] = errorsOf(
    withWaivers(
      policyOf(RULE).replace('r1', 'human-oversight'),
      `rule: human-oversigt, ${MATCH}, ${SIGNED}`,
    ),
  )
  assert.match(problem!.message, /did you mean "human-oversight"/)
})

test('a rule with a problem of its own does not make its waivers wrong', () => {
  const problems = errorsOf(
    withWaivers(policyOf('require: { field: colour, op: ge, value: red }'), WAIVER),
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['unknown_value'],
  )
})

test('a threshold that only a waiver uses is used', () => {
  const waiver = `rule: r1, match: { field: share, op: gte, value_from: thresholds.share }, ${SIGNED}`
  const policy = `thresholds: { share: 0.5 }\n${withWaivers(policyOf(RULE), waiver)}`
  assert.deepEqual(errorsOf(policy), [])
})
