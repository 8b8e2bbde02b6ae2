import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadTests, runTests, type TestReport } from '../src/policy-tests/run-tests.ts'
import { brief, loadSet } from './sets.ts'

const POLICY = `policy: p
version: "1"
inputs:
  colour: { type: string }
  outer.inner: { type: number }
  team: { type: string }
  proven.share: { type: number, source: aibom }
rules:
  - { id: colour, reason: Colour., require: { field: colour, op: eq, value: red } }
  - { id: inner, reason: Inner., mode: warn, require: { field: outer.inner, op: gte, value: 1 } }
  - { id: share, reason: Share., mode: observe, require: { field: proven.share, op: gte, value: 0.5 } }
  - { id: later, reason: Later., effective_from: 2026-07-01, deny: { field: colour, op: eq, value: red } }
waivers:
  - { rule: colour, match: { field: team, op: eq, value: lab }, expires: 2026-12-31, approved_by: ada, why: Trial. }
`
const set = loadSet(POLICY)

const HEAD = `tests: p.yml
at: 2026-06-15
base:
  colour: red
  outer.inner: 1
  aibom.proven: { share: 0.5 }
  risk.exposure: 0
cases:
`

function run(cases: string, head = HEAD): TestReport {
  const loaded = loadTests([{ name: 'p.tests.yml', content: head + cases }], set)
  assert.ok(loaded.ok, loaded.ok ? '' : brief(loaded.errors).join('\n'))
  return runTests(set, loaded.suites)
}

function errors(cases: string, head = HEAD): string[] {
  const loaded = loadTests([{ name: 'p.tests.yml', content: head + cases }], set)
  return loaded.ok ? [] : brief(loaded.errors)
}

test('a case is the base with its differences, and says what must come out', () => {
  const report = run(`
  - { name: base, expect: { allowed: true, reasons: [], warnings: [], not_established: [], waived: [], risk_score: 0, risk_level: low } }
  - { name: other colour, set: { colour: blue }, expect: { allowed: false, reasons: [colour] } }
  - { name: no colour, unset: [colour], expect: { allowed: false, reasons: [colour], not_established: [colour] } }
  - { name: a part left out, unset: [outer.inner], expect: { allowed: true, warnings: [inner], not_established: [inner] } }
  - { name: a whole replaced, unset: [outer], set: { outer: { inner: 0 } }, expect: { allowed: true, warnings: [inner], not_established: [] } }
  - { name: null is a value, set: { colour: null }, expect: { allowed: false, reasons: [colour], not_established: [colour] } }
  - { name: a day later, at: 2026-07-01, expect: { allowed: false, reasons: [later] } }
  - { name: the instant before, at: 2026-06-30T23:59:59Z, expect: { allowed: true, outcomes: { later: not_applicable } } }
  - { name: waived, set: { colour: blue, team: lab }, expect: { allowed: true, waived: [colour] } }
  - { name: risky, unset: [risk], expect: { allowed: true, risk_score: 5, risk_level: high } }
`)
  assert.deepEqual(
    report.cases.filter((it) => !it.ok).map((it) => [it.name, it.differences]),
    [],
  )
  assert.equal(report.passed, 10)
  assert.equal(report.ok, true)
})

test('the member aibom is evidence and not part of the payload, which proves nothing', () => {
  const report = run(`
  - { name: proven, expect: { allowed: true, outcomes: { share: kept } } }
  - { name: too little, set: { aibom.proven.share: 0.4 }, expect: { allowed: true, outcomes: { share: broken } } }
  - { name: said only, unset: [aibom], set: { proven.share: 0.9 }, expect: { allowed: true, outcomes: { share: not_established } } }
`)
  assert.deepEqual(
    report.cases.map((it) => it.ok),
    [true, true, true],
  )
})

test('what is not as expected is told with its line, and no other case suffers', () => {
  const report = run(`
  - name: wrong in every way
    set: { colour: blue, outer.inner: 0 }
    expect:
      allowed: true
      warnings: []
      waived: [colour]
      outcomes:
        share: broken
      risk_score: 1
      risk_level: high
  - { name: right, expect: { allowed: true } }
`)
  const [wrong, right] = report.cases
  assert.deepEqual(wrong!.differences, [
    { what: 'allowed', line: 13, expected: true, actual: false },
    { what: 'warnings', line: 14, expected: [], actual: ['inner'] },
    { what: 'waived', line: 15, expected: ['colour'], actual: [] },
    { what: 'outcomes.share', line: 17, expected: 'broken', actual: 'kept' },
    { what: 'risk_score', line: 18, expected: 1, actual: 0 },
    { what: 'risk_level', line: 19, expected: 'high', actual: 'low' },
  ])
  assert.deepEqual([wrong!.file, wrong!.line, wrong!.ok], ['p.tests.yml', 10, false])
  assert.equal(right!.ok, true)
  assert.deepEqual([report.ok, report.passed, report.failed], [false, 1, 1])
})

test('a deny for another reason than the one expected fails the case', () => {
  const report = run(
    '  - { name: c, at: 2026-07-01, expect: { allowed: false, reasons: [colour] } }\n',
  )
  assert.deepEqual(report.cases[0]!.differences, [
    { what: 'reasons', line: 9, expected: ['colour'], actual: ['later'] },
  ])
})

test('coverage counts each rule broken and kept, and a demand that is not met fails the run', () => {
  const cases = `
  - { name: a, expect: { allowed: true } }
  - { name: b, set: { colour: blue, outer.inner: 0 }, expect: { allowed: false, reasons: [colour] } }
`
  const report = run(cases, `coverage: 0.75\n${HEAD}`)
  assert.deepEqual(report.coverage, [
    { rule: 'colour', at: 'p.yml:9', seenBroken: true, seenKept: true },
    { rule: 'inner', at: 'p.yml:10', seenBroken: true, seenKept: true },
    { rule: 'share', at: 'p.yml:11', seenBroken: false, seenKept: true },
    { rule: 'later', at: 'p.yml:12', seenBroken: false, seenKept: false },
    { rule: 'risk-score', at: 'risk-matrix.yml:4', seenBroken: false, seenKept: true },
  ])
  assert.equal(report.failed, 0)
  assert.equal(report.ok, false)
  const [failure] = report.coverageFailures
  assert.deepEqual(
    [failure!.file, failure!.line, failure!.demanded, failure!.reached],
    ['p.tests.yml', 1, 0.75, 0.625],
  )
  assert.deepEqual(
    failure!.unseen.map(({ rule }) => rule),
    ['share', 'later'],
  )
  assert.equal(run(cases, `coverage: 0.6\n${HEAD}`).ok, true)
  assert.equal(run(cases).ok, true)
})

test('a suite about the risk matrix demands that the limit is seen', () => {
  const head = HEAD.replace('p.yml', 'risk-matrix.yml')
  const report = run('  - { name: a, expect: { allowed: true } }\n', `coverage: 1.0\n${head}`)
  assert.deepEqual(
    report.coverageFailures.map(({ unseen }) => unseen.map(({ rule }) => rule)),
    [['risk-score']],
  )
})

test('a mistake in a tests file is an error with its place', () => {
  const one = (rest: string) => errors(`  - { name: c, ${rest} }\n`)
  const allow = 'expect: { allowed: true }'
  assert.deepEqual(one(allow), [])
  assert.deepEqual(one(`${allow}, sett: {}`), ['p.tests.yml:9:43 unknown_key'])
  assert.deepEqual(one(''), ['p.tests.yml:9:5 missing_key'])
  assert.deepEqual(one(`unset: [outer.iner], ${allow}`), ['p.tests.yml:9:24 nothing_to_unset'])
  assert.deepEqual(one(`set: { colour.hue: 1 }, ${allow}`), ['p.tests.yml:9:23 wrong_type'])
  assert.deepEqual(one(`set: { a: 1, a.b: 1 }, ${allow}`), ['p.tests.yml:9:23 conflicting_keys'])
  assert.deepEqual(one(`set: { aibom: 1 }, ${allow}`), ['p.tests.yml:9:5 wrong_type'])
  assert.deepEqual(one(`set: { a..b: 1 }, ${allow}`), ['p.tests.yml:9:23 bad_name'])
  assert.deepEqual(one(`set: { ${'a.'.repeat(9999)}a: 1 }, ${allow}`), [
    'p.tests.yml:9:23 bad_name',
  ])
  assert.deepEqual(one(`at: 2026-02-30, ${allow}`), ['p.tests.yml:9:20 bad_date'])
  assert.deepEqual(one(`at: 2026-06-15T24:00:00Z, ${allow}`), ['p.tests.yml:9:20 bad_date'])
  assert.deepEqual(one('expect: { allowed: "true" }'), ['p.tests.yml:9:35 wrong_type'])
  assert.deepEqual(one('expect: { allowed: false }'), ['p.tests.yml:9:26 missing_key'])
  assert.deepEqual(one('expect: { allowed: false, reasons: [] }'), ['p.tests.yml:9:42 missing_key'])
  assert.deepEqual(one('expect: { allowed: true, reasons: [colour] }'), [
    'p.tests.yml:9:41 conflicting_keys',
  ])
  assert.deepEqual(one('expect: { allowed: false, reasons: [color] }'), [
    'p.tests.yml:9:52 unknown_rule',
  ])
  assert.deepEqual(one('expect: { allowed: false, reasons: [colour, colour] }'), [
    'p.tests.yml:9:60 duplicate_rule_id',
  ])
  assert.deepEqual(one('expect: { allowed: true, outcomes: { colour: fine } }'), [
    'p.tests.yml:9:61 unknown_value',
  ])
  assert.deepEqual(one('expect: { allowed: true, risk_level: huge }'), [
    'p.tests.yml:9:53 unknown_value',
  ])
  const twice = `  - { name: c, ${allow} }\n  - { name: c, ${allow} }\n`
  assert.deepEqual(errors(twice), ['p.tests.yml:10:5 duplicate_case'])
  assert.deepEqual(
    errors(twice, HEAD.replace('p.yml', 'q.yml')).at(0),
    'p.tests.yml:1:8 unknown_value',
  )
  assert.deepEqual(errors(`  - { name: c, ${allow} }\n`, `coverage: 2\n${HEAD}`), [
    'p.tests.yml:1:11 bad_range',
  ])
})

test('a misspelled rule or path comes with the word that was meant', () => {
  const cases = `
  - { name: a, unset: [outer.iner], expect: { allowed: false, reasons: [color] } }
`
  const loaded = loadTests([{ name: 'p.tests.yml', content: HEAD + cases }], set)
  assert.ok(!loaded.ok)
  assert.deepEqual(
    loaded.errors.map(({ message }) => /did you mean "(.*)"/.exec(message)?.[1]),
    ['outer.inner', 'colour'],
  )
})

test('a name such as __proto__ is a name like others', () => {
  const report = run(`
  - { name: a, set: { __proto__.colour: blue, constructor: { prototype: 1 } }, expect: { allowed: true } }
  - { name: b, expect: { allowed: true } }
`)
  assert.equal(report.passed, 2)
  assert.equal(Object.hasOwn(Object.prototype, 'colour'), false)
})

test('cases do not change the base for one another', () => {
  const report = run(`
  - { name: a, set: { outer.inner: 0 }, expect: { allowed: true, warnings: [inner] } }
  - { name: b, expect: { allowed: true, warnings: [] } }
`)
  assert.equal(report.ok, true)
})
