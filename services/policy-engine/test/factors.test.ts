import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { loadPolicySet } from '../src/load/load-policies.ts'
import { brief, errorsOf, judge, loadSet, policyOf } from './sets.ts'

const POLICY = policyOf('deny: { field: flag, op: eq, value: true }')
const REST = 'levels: { low: 0, high: 10 }\ndeny_at: 20\n'
const COLOUR = '{ id: hue, field: colour, weight: 2, points: { red: 3, green: 1, blue: 0 } }'
const SHARE =
  '{ id: part, field: share, weight: -1, bands: [{ from: 0, points: 2 }, { from: 0.5, points: 4 }] }'

function setOf(...factors: string[]) {
  return loadSet(POLICY, `factors: [${factors.join(', ')}]\n${REST}`)
}

function partsOf(factor: string, payload: JsonObject, evidence: JsonObject | null = null) {
  const verdict = judge(setOf(factor), payload, { evidence })
  const [part] = verdict.risk_parts
  assert.equal(verdict.risk_score, part!.weight * part!.points + 0)
  return part!
}

test('points give each value its number', () => {
  const points = (colour: string) => partsOf(COLOUR, { colour }).points
  assert.deepEqual([points('red'), points('green'), points('blue')], [3, 1, 0])
  const flag = '{ id: set, field: flag, weight: 1, points: { true: 5, false: -1 } }'
  assert.deepEqual(
    [partsOf(flag, { flag: true }).points, partsOf(flag, { flag: false }).points],
    [5, -1],
  )
  const count = '{ id: n, field: count, weight: 1, points: { 0: 1, 2: 7 } }'
  assert.deepEqual(
    [partsOf(count, { count: 2 }).points, partsOf(count, { count: -0 }).points],
    [7, 1],
  )
})

test('a band reaches from its number to that of the next', () => {
  const points = (share: number) => partsOf(SHARE, { share }).points
  assert.deepEqual([points(0), points(0.49), points(0.5), points(1)], [2, 2, 4, 4])
})

test('an answer tells the part of every factor, and the score is their sum', () => {
  const set = loadSet(POLICY, `weights: { harm: 3 }\nfactors: [${COLOUR}, ${SHARE}]\n${REST}`)
  const verdict = judge(set, { risk: { harm: 1.5 }, colour: 'green', share: 0.75, flag: false })
  assert.deepEqual(verdict.risk_parts, [
    { factor: 'harm', field: 'risk.harm', value: 1.5, weight: 3, points: 1.5, worst: false },
    { factor: 'hue', field: 'colour', value: 'green', weight: 2, points: 1, worst: false },
    { factor: 'part', field: 'share', value: 0.75, weight: -1, points: 4, worst: false },
  ])
  assert.equal(verdict.risk_score, 2.5)
})

test('what is not established counts at the points that make the sum largest', () => {
  for (const colour of [undefined, null, 1, 'pink', ['red']]) {
    const payload: JsonObject = colour === undefined ? {} : { colour }
    const part = partsOf(COLOUR, payload)
    assert.deepEqual([part.points, part.worst, part.value], [3, true, null])
  }
  for (const share of [undefined, '0.5', 2, Number.NaN]) {
    const payload: JsonObject = share === undefined ? {} : { share }
    assert.deepEqual(partsOf(SHARE, payload).points, 2)
  }
})

test('an established value without points counts at worst, is shown, and is named', () => {
  const text = '{ id: t, field: text, weight: 1, points: { a: 1, b: 9 } }'
  assert.deepEqual(partsOf(text, { text: 'zzz' }), {
    factor: 't',
    field: 'text',
    value: 'zzz',
    weight: 1,
    points: 9,
    worst: true,
  })
  const verdict = judge(setOf(text), { text: 'zzz', flag: false })
  assert.match(verdict.warnings.join(), /text \(none of the declared values\)/)
  assert.deepEqual(verdict.explanation.at(-1)!.because[0], {
    line: 1,
    field: 'text',
    op: 'in',
    expected: ['a', 'b'],
    actual: null,
    why: 'not_in_enum',
  })
  const amount =
    '{ id: m, field: amount, weight: 1, bands: [{ from: 10, points: 0 }, { from: 20, points: 4 }] }'
  assert.deepEqual(
    [9.99, 10, 20].map((n) => partsOf(amount, { amount: n }).points),
    [4, 0, 4],
  )
  assert.equal(partsOf(amount, { amount: 9.99 }).worst, true)
})

test('attack: a value that names an inherited member has no points', () => {
  const text = '{ id: t, field: text, weight: 1, points: { a: 1, b: 2 } }'
  for (const value of ['constructor', '__proto__', 'toString']) {
    assert.deepEqual(partsOf(text, { text: value }).points, 2)
  }
})

test('a long value is cut in its part', () => {
  const text = '{ id: t, field: text, weight: 1, points: { a: 1 } }'
  const { value } = partsOf(text, { text: 'x'.repeat(1e6) })
  assert.ok((value as string).length < 250)
})

test('a factor over a field from the AIBOM reads verified evidence alone', () => {
  const proven = SHARE.replace('field: share', 'field: proven.share')
  const claim = { proven: { share: 0.9 } }
  assert.deepEqual(partsOf(proven, claim).worst, true)
  assert.deepEqual(partsOf(proven, {}, claim).points, 4)
})

test('a factor may read what another factor reads', () => {
  const harm =
    '{ id: severe, field: risk.harm, weight: 1, bands: [{ from: 0, points: 0 }, { from: 4, points: 10 }] }'
  const set = loadSet(POLICY, `weights: { harm: 1 }\nfactors: [${harm}]\n${REST}`)
  assert.equal(judge(set, { risk: { harm: 4 } }).risk_score, 14)
  assert.equal(judge(set, {}).risk_score, 15)
})

test('a fault inside answers with every part at its worst', () => {
  const verdict = judge(setOf(COLOUR, SHARE), {}, { now: new Date(Number.NaN) })
  assert.deepEqual(
    verdict.risk_parts.map(({ points, worst }) => [points, worst]),
    [
      [3, true],
      [2, true],
    ],
  )
  assert.equal(verdict.risk_score, 4)
})

test('a factor reads the inputs of any layer, which must declare it alike', () => {
  const load = (declaration: string) => {
    const loaded = loadPolicySet([
      { name: 'p.yml', content: POLICY },
      {
        name: 'q.yml',
        content: `policy: q\nversion: "1"\ninputs: { only: { type: boolean }, ${declaration} }\nrules: [{ id: q, reason: Q, deny: { field: only, op: eq, value: true } }]\n`,
      },
      {
        name: 'risk-matrix.yml',
        content: `factors:\n- ${COLOUR}\n- { id: only, field: only, weight: 1, points: { true: 1, false: 0 } }\n${REST}`,
      },
    ])
    return loaded.ok ? [] : brief(loaded.errors)
  }
  assert.deepEqual(load('colour: { type: string, enum: [blue, green, red] }'), [])
  const conflict = ['risk-matrix.yml:2:21 input_conflict']
  assert.deepEqual(load('colour: { type: string }'), conflict)
  assert.deepEqual(load('colour: { type: string, enum: [blue, green] }'), conflict)
  assert.deepEqual(
    load('colour: { type: string, enum: [blue, green, red], source: aibom }'),
    conflict,
  )
})

test('the inputs of a policy that cannot be read are not missed', () => {
  assert.deepEqual(brief(errorsOf('policy: &p p', `factors: [${COLOUR}]\n${REST}`)), [
    'p.yml:1:9 yaml_feature',
  ])
})

const BAD: [code: string, factor: string][] = [
  ['wrong_type', '‸1'],
  ['missing_key', '‸{ field: colour, weight: 1, points: { red: 3, green: 1, blue: 0 } }'],
  ['missing_key', '‸{ id: a, weight: 1, points: { red: 3, green: 1, blue: 0 } }'],
  ['missing_key', '‸{ id: a, field: colour, points: { red: 3, green: 1, blue: 0 } }'],
  ['missing_key', '‸{ id: a, field: colour, weight: 1 }'],
  ['conflicting_keys', '{ id: a, field: share, weight: 1, points: {}, ‸bands: [] }'],
  ['unknown_key', '{ id: a, ‸name: b, field: flag, weight: 1, points: { true: 1, false: 0 } }'],
  ['bad_name', '{ id: ‸a.b, field: flag, weight: 1, points: { true: 1, false: 0 } }'],
  ['duplicate_factor', '{ id: ‸harm, field: flag, weight: 1, points: { true: 1, false: 0 } }'],
  ['undeclared_field', '{ id: a, field: ‸colours, weight: 1, points: { a: 1 } }'],
  ['wrong_type', '{ id: a, field: flag, weight: ‸heavy, points: { true: 1, false: 0 } }'],
  ['wrong_type', '{ id: a, field: flag, weight: 1, points: { true: ‸much, false: 0 } }'],
  ['wrong_type', '{ id: a, field: flag, weight: 1, points: { ‸maybe: 1 } }'],
  ['wrong_type', '{ id: a, field: count, weight: 1, points: { ‸1.5: 1 } }'],
  ['wrong_type', '{ id: a, field: count, weight: 1, points: { ‸0x10: 1 } }'],
  ['wrong_type', '{ id: a, field: count, weight: 1, points: { ‸"-0": 1 } }'],
  ['value_out_of_range', '{ id: a, field: count, weight: 1, points: { ‸-1: 1 } }'],
  ['value_not_in_enum', '{ id: a, field: colour, weight: 1, points: { ‸gren: 1 } }'],
  ['missing_points', '{ id: a, field: colour, weight: 1, points: ‸{ red: 1, green: 1 } }'],
  ['missing_points', '{ id: a, field: flag, weight: 1, points: ‸{ true: 1 } }'],
  ['empty_list', '{ id: a, field: text, weight: 1, points: ‸{} }'],
  ['operator_type_mismatch', '{ id: a, field: share, weight: 1, points: ‸{ 0: 1 } }'],
  ['operator_type_mismatch', '{ id: a, field: ‸tags, weight: 1, points: { a: 1 } }'],
  [
    'operator_type_mismatch',
    '{ id: a, field: colour, weight: 1, bands: ‸[{ from: 0, points: 1 }] }',
  ],
  ['empty_list', '{ id: a, field: share, weight: 1, bands: ‸[] }'],
  ['missing_key', '{ id: a, field: share, weight: 1, bands: [‸{ from: 0 }] }'],
  [
    'bad_range',
    '{ id: a, field: amount, weight: 1, bands: [{ from: 1, points: 1 }, { ‸from: 1, points: 2 }] }',
  ],
  ['missing_points', '{ id: a, field: share, weight: 1, bands: [{ ‸from: 0.1, points: 1 }] }'],
  [
    'value_out_of_range',
    '{ id: a, field: share, weight: 1, bands: [{ from: 0, points: 1 }, { ‸from: 1.1, points: 2 }] }',
  ],
]

for (const [code, factor] of BAD) {
  test(`${code} is reported at the mark in the factor: ${factor}`, () => {
    const line = `factors: [${factor}]`
    const risk = `weights: { harm: 1 }\n${line.replace('‸', '')}\n${REST}`
    const place = `2:${line.indexOf('‸') + 1}`
    assert.deepEqual(brief(errorsOf(POLICY, risk)), [`risk-matrix.yml:${place} ${code}`])
  })
}

test('points too large to be added up are refused', () => {
  const huge = '{ id: a, field: flag, weight: 1e200, points: { true: 1e200, false: 0 } }'
  const problems = errorsOf(POLICY, `factors: [${huge}]\n${REST}`)
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['bad_range'],
  )
})

test('a bounded integer needs points for each of its values', () => {
  const policy = POLICY.replace(
    'count: { type: integer, min: 0 }',
    'count: { type: integer, min: 0, max: 2 }',
  )
  const codes = (points: string) =>
    errorsOf(
      policy,
      `factors: [{ id: n, field: count, weight: 1, points: { ${points} } }]\n${REST}`,
    ).map(({ code, message }) => `${code} ${message}`)
  assert.deepEqual(codes('0: 1, 1: 1, 2: 2'), [])
  assert.deepEqual(codes('0: 1, 2: 1'), ['missing_points count can be 1, which has no points here'])
})

test('a near miss of a field or a value is answered with what was probably meant', () => {
  const message = (factor: string) => errorsOf(POLICY, `factors: [${factor}]\n${REST}`)[0]!.message
  assert.match(message(COLOUR.replace('field: colour', 'field: color')), /"colour"/)
  assert.match(message(COLOUR.replace('green', 'Green')), /"green"/)
})
