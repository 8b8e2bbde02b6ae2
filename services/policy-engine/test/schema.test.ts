import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { type LoadProblem, loadPolicySet, type PolicyFile } from '../src/load/load-policies.ts'
import { loadTests } from '../src/policy-tests/run-tests.ts'
import { policySchema } from '../src/schema/policy-schema.ts'
import { shippedSets } from './shipped.ts'
import { SCHEMA_FILE, schemaText } from './write-schema.ts'

const ajv = new Ajv2020({ strict: false })
const fits = ajv.compile(policySchema())

test('policies/policy.v1.schema.json is what the loader is made from', () => {
  const hint = 'run test/write-schema.ts of policy-engine, and then npm run format'
  assert.deepEqual(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')), JSON.parse(schemaText()), hint)
})

test('the schema is valid, and every shipped file fits it', () => {
  assert.equal(ajv.validateSchema(policySchema()), true)
  for (const { folder, files } of shippedSets()) {
    for (const { name, content } of files) {
      assert.ok(fits(parse(content)), `${folder}${name} ${ajv.errorsText(fits.errors)}`)
    }
  }
})

const POLICY = {
  policy: 'p',
  version: '1',
  owner: 'o',
  thresholds: { least: 0.5, ours: ['a'] },
  inputs: {
    share: { type: 'number', min: 0, max: 1, source: 'aibom' },
    word: { type: 'string', enum: ['a', 'b'] },
    words: { type: 'list', items: 'string' },
    flag: { type: 'boolean' },
  },
  rules: [
    {
      id: 'r1',
      reason: 'R',
      law: ['L'],
      mode: 'block',
      owner: 'o',
      waivable: true,
      effective_from: '2026-01-01',
      effective_until: '2027-01-01',
      when: { all: [{ field: 'word', op: 'in', value_from: 'thresholds.ours' }] },
      require: {
        any: [
          { field: 'share', op: 'gte', value_from: 'thresholds.least' },
          { field: 'words', op: 'contains', value: 'x' },
        ],
      },
    },
    { id: 'r2', reason: 'R', deny: { field: 'word', op: 'not_in', value: ['a'] } },
  ],
  waivers: [
    {
      rule: 'r1',
      match: { field: 'flag', op: 'eq', value: true },
      expires: '2026-12-31',
      approved_by: 'a',
      why: 'w',
    },
  ],
}
const RISK = {
  risk: 'm',
  version: '1',
  scale: { min: 0, max: 5 },
  weights: { f: 1 },
  factors: [
    { id: 'g', field: 'word', weight: 1, points: { a: 1, b: 2 } },
    { id: 'h', field: 'share', weight: 1, bands: [{ from: 0, points: 1 }] },
  ],
  levels: { low: 0, high: 3 },
  deny_at: 3,
}
const TESTS = {
  tests: 'p.yml',
  owner: 'o',
  coverage: 0,
  at: '2026-06-15',
  base: { word: 'a', flag: true },
  cases: [
    {
      name: 'c',
      at: '2026-06-15T12:00:00Z',
      set: { 'outer.inner': 1 },
      unset: ['flag'],
      expect: {
        allowed: false,
        reasons: ['r1'],
        warnings: [],
        not_established: ['r1'],
        waived: [],
        outcomes: { r2: 'kept' },
        risk_score: 1,
        risk_level: 'low',
      },
    },
    { name: 'd', expect: { allowed: true, reasons: [] } },
  ],
}
const SET = { 'p.yml': POLICY, 'risk-matrix.yml': RISK, 'p.tests.yml': TESTS }
type FileName = keyof typeof SET

/** The problems of a set of which one file holds another document. JSON is YAML, too. */
function problems(changed: FileName, document: unknown): LoadProblem[] {
  const files: PolicyFile[] = Object.entries(SET).map(([name, content]) => ({
    name,
    content: JSON.stringify(name === changed ? document : content),
  }))
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return loaded.errors
  const tests = loadTests(files, loaded.set)
  return tests.ok ? [] : tests.errors
}

/** Every document that differs in one place: a key left out or added, a value replaced. */
function* variants(value: unknown): Generator<unknown> {
  for (const other of [null, 1, 'some thing', true, [], {}, [null], [{}]]) {
    if (!isDeepStrictEqual(other, value)) yield other
  }
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      for (const changed of variants(item)) yield value.with(index, changed)
    }
    return
  }
  yield { ...value, surplus: 1 }
  for (const [key, item] of Object.entries(value)) {
    const { [key as keyof typeof value]: _, ...rest } = value
    yield rest
    for (const changed of variants(item)) yield { ...value, [key]: changed }
  }
}

/** What is wrong whatever the rest of the set says. */
const SHAPE_CODES = ['unknown_key', 'missing_key', 'empty_list']

test('the schema refuses what the loader refuses for its shape, and nothing that loads', () => {
  const wrong: string[] = []
  let refused = 0
  for (const [name, document] of Object.entries(SET) as [FileName, unknown][]) {
    assert.deepEqual(problems(name, document), [])
    assert.ok(fits(document), ajv.errorsText(fits.errors))
    for (const variant of variants(document)) {
      const found = problems(name, variant).filter(({ file }) => file === name)
      const hasShapeProblem = found.some(({ code }) => SHAPE_CODES.includes(code))
      const isFine = fits(variant)
      if (!isFine) refused += 1
      if (isFine && hasShapeProblem) {
        const what = found.map(({ code, message }) => `${code} ${message}`).join('; ')
        wrong.push(`the schema accepts ${JSON.stringify(variant)}: ${what}`)
      }
      if (!isFine && found.length === 0) {
        wrong.push(`the schema refuses ${JSON.stringify(variant)}: ${ajv.errorsText(fits.errors)}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(refused > 500)
})
