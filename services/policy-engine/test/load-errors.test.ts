import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatLoadProblem } from '../src/load/load-policies.ts'
import { brief, errorsOf, policyOf } from './sets.ts'

/** Marks the place at which a problem is expected. */
const HERE = '‸'

/** Takes the mark out and says where it was. */
function unmark(marked: string): { text: string; place: string } {
  const before = marked.split(HERE)[0]!.split('\n')
  return {
    text: marked.replace(HERE, ''),
    place: `${before.length}:${before.at(-1)!.length + 1}`,
  }
}

/** Asserts that a policy has exactly one problem, of this code, at the mark. */
function expectProblem(code: string, marked: string): void {
  const { text, place } = unmark(marked)
  assert.deepEqual(brief(errorsOf(text)), [`p.yml:${place} ${code}`], marked)
}

const REQUIRE = 'require: { field: flag, op: eq, value: true }'

test('a problem prints as file:line:column CODE message', () => {
  const problem = {
    file: 'a.yml',
    line: 2,
    column: 3,
    code: 'bad_name',
    message: 'no\ngood',
  } as const
  assert.equal(formatLoadProblem(problem), 'a.yml:2:3 bad_name no good')
})

test('a rule that is right has no problem', () => {
  assert.deepEqual(errorsOf(policyOf(REQUIRE)), [])
})

const RULES: [code: string, rule: string][] = [
  ['unknown_key', `${REQUIRE}, ‸requires: 1`],
  ['unknown_key', 'require: { field: flag, op: eq, value: true, ‸values: 1 }'],
  ['wrong_type', `${REQUIRE}, owner: ‸1`],
  ['unknown_value', `${REQUIRE}, mode: ‸blok`],
  ['empty_list', `${REQUIRE}, law: ‸[]`],
  ['wrong_type', `${REQUIRE}, law: ‸text`],
  ['wrong_type', `${REQUIRE}, law: [‸1]`],
  ['wrong_type', 'require: ‸text'],
  ['missing_key', 'require: ‸{ op: eq, value: true }'],
  ['missing_key', 'require: ‸{ field: flag, value: true }'],
  ['missing_key', 'require: ‸{ field: flag, op: eq }'],
  ['conflicting_keys', `${REQUIRE}, ‸deny: { field: flag, op: eq, value: true }`],
  ['undeclared_field', 'require: { field: ‸flags, op: eq, value: true }'],
  ['unknown_value', 'require: { field: flag, op: ‸equals, value: true }'],
  ['empty_list', 'require: { all: ‸[] }'],
  ['empty_list', 'require: { any: ‸[] }'],
  ['empty_list', 'require: { field: colour, op: in, value: ‸[] }'],
  ['wrong_type', 'require: { field: colour, op: in, value: ‸red }'],
  ['wrong_type', 'require: { field: colour, op: eq, value: ‸[red] }'],
  ['operator_type_mismatch', 'require: { field: colour, op: ‸gt, value: red }'],
  ['operator_type_mismatch', 'require: { field: flag, op: ‸lte, value: true }'],
  ['operator_type_mismatch', 'require: { field: text, op: ‸contains, value: a }'],
  ['operator_type_mismatch', 'require: { field: tags, op: ‸eq, value: a }'],
  ['operator_type_mismatch', 'require: { field: tags, op: ‸in, value: [a] }'],
  ['value_not_in_enum', 'require: { field: colour, op: eq, value: ‸pink }'],
  ['value_not_in_enum', 'require: { field: colour, op: not_in, value: [red, ‸pink] }'],
  ['value_not_in_enum', 'deny: { field: tools, op: contains, value: ‸rm }'],
  ['wrong_type', 'require: { field: amount, op: gt, value: ‸"1" }'],
  ['wrong_type', 'require: { field: text, op: eq, value: ‸1 }'],
  ['wrong_type', 'require: { field: count, op: eq, value: ‸1.5 }'],
  ['wrong_type', 'require: { field: flag, op: eq, value: ‸"true" }'],
  ['wrong_type', 'require: { field: text, op: eq, value: ‸null }'],
  ['wrong_type', 'require: { field: sizes, op: contains, value: ‸"1" }'],
  ['value_out_of_range', 'require: { field: share, op: ne, value: ‸2 }'],
  ['unknown_threshold', 'require: { field: share, op: gt, value_from: ‸thresholds.none }'],
  ['unknown_threshold', 'require: { field: share, op: gt, value_from: ‸share }'],
  ['wrong_type', `${REQUIRE}, waivable: ‸"false"`],
  ['bad_date', `${REQUIRE}, effective_from: ‸2026-02-30`],
  ['bad_date', `${REQUIRE}, effective_until: ‸tomorrow`],
  ['bad_date', `${REQUIRE}, effective_until: ‸2026`],
  ['rule_never_matches', `${REQUIRE}, effective_from: 2026-02-02, ‸effective_until: 2026-02-01`],
]

for (const [code, rule] of RULES) {
  test(`${code} is reported at the mark in: ${rule}`, () => expectProblem(code, policyOf(rule)))
}

const NEVER = [
  'require: ‸{ field: share, op: gt, value: 1 }',
  'require: ‸{ field: share, op: lt, value: 0 }',
  'require: ‸{ field: share, op: gte, value: 1.5 }',
  'require: { any: [{ field: flag, op: eq, value: true }, ‸{ field: share, op: gt, value: 1 }] }',
  'deny: { all: [{ field: amount, op: gt, value: 2 }, ‸{ field: amount, op: lt, value: 2 }] }',
  'deny: { all: [{ field: amount, op: gt, value: 2 }, ‸{ field: amount, op: lte, value: 2 }] }',
  'deny: { all: [{ field: count, op: gt, value: 2 }, ‸{ field: count, op: lt, value: 3 }] }',
  'deny: { all: [{ field: text, op: eq, value: a }, ‸{ field: text, op: ne, value: a }] }',
  'deny: { all: [{ field: text, op: in, value: [a, b] }, ‸{ field: text, op: eq, value: c }] }',
  'deny: { all: [{ field: flag, op: ne, value: true }, ‸{ field: flag, op: ne, value: false }] }',
  'require: ‸{ field: colour, op: not_in, value: [red, green, blue] }',
  'when: { field: colour, op: eq, value: red }, deny: ‸{ field: colour, op: eq, value: blue }',
  `when: ‸{ field: share, op: gt, value: 1 }, ${REQUIRE}`,
]

for (const rule of NEVER) {
  test(`rule_never_matches is proved of: ${rule}`, () => {
    expectProblem('rule_never_matches', policyOf(rule))
  })
}

const SOMETIMES = [
  'require: { field: share, op: gte, value: 1 }',
  'require: { field: share, op: gte, value: 0 }',
  'deny: { all: [{ field: amount, op: gte, value: 2 }, { field: amount, op: lte, value: 2 }] }',
  'deny: { all: [{ field: amount, op: gt, value: 2 }, { field: amount, op: lt, value: 3 }] }',
  'deny: { any: [{ field: amount, op: gt, value: 2 }, { field: amount, op: lt, value: 1 }] }',
  'deny: { all: [{ field: tags, op: contains, value: a }, { field: tags, op: contains, value: b }] }',
  'when: { field: colour, op: eq, value: red }, require: { field: colour, op: eq, value: blue }',
]

for (const rule of SOMETIMES) {
  test(`nothing is claimed of: ${rule}`, () => assert.deepEqual(errorsOf(policyOf(rule)), []))
}

const RULE = `rules: [{ id: a, reason: R, ${REQUIRE} }]`
const HEAD = 'policy: p\nversion: "1"\n'
const FLAG = 'inputs: { flag: { type: boolean } }\n'

const FILES: [code: string, policy: string][] = [
  ['missing_key', `‸policy: p\n${FLAG}${RULE}`],
  ['missing_key', `‸${HEAD}${FLAG}`],
  ['empty_list', `${HEAD}${FLAG}rules: ‸[]`],
  ['wrong_type', `${HEAD}${FLAG}rules: ‸{}`],
  ['wrong_type', `policy: ‸[p]\nversion: "1"\n${FLAG}${RULE}`],
  ['wrong_type', `policy: p\nversion: ‸2026.1\n${FLAG}${RULE}`],
  ['bad_name', `policy: ‸p+q\nversion: "1"\n${FLAG}${RULE}`],
  ['unknown_key', `${HEAD}${FLAG}‸treshold: 1\n${RULE}`],
  [
    'duplicate_rule_id',
    `${HEAD}${FLAG}${RULE.replace(']', `, ‸{ id: a, reason: R, ${REQUIRE} }]`)}`,
  ],
  ['bad_name', `${HEAD}${FLAG}${RULE.replace('id: a', 'id: ‸"a b"')}`],
  ['reserved_word', `${HEAD}${FLAG}${RULE.replace('id: a', 'id: ‸risk-score')}`],
  ['reserved_word', `${HEAD}${FLAG}${RULE.replace('reason: R', 'reason: ‸"engine: x"')}`],
  ['missing_key', `${HEAD}${FLAG}${RULE.replace('[{', '[‸{').replace('reason: R, ', '')}`],
  ['missing_key', `${HEAD}inputs: { flag: { type: boolean }, x: ‸{} }\n${RULE}`],
  ['unknown_value', `${HEAD}inputs: { flag: { type: boolean }, x: { type: ‸text } }\n${RULE}`],
  ['unknown_value', `${HEAD}inputs: { flag: { type: boolean, source: ‸bom } }\n${RULE}`],
  ['bad_name', `${HEAD}inputs: { flag: { type: boolean }, ‸a..b: { type: string } }\n${RULE}`],
  ['empty_list', `${HEAD}inputs: { flag: { type: boolean, enum: ‸[] } }\n${RULE}`],
  [
    'wrong_type',
    `${HEAD}inputs: { flag: { type: boolean }, x: { type: string, enum: [a, ‸1] } }\n${RULE}`,
  ],
  [
    'bad_range',
    `${HEAD}inputs: { flag: { type: boolean }, x: { type: number, ‸min: 2, max: 1 } }\n${RULE}`,
  ],
  ['operator_type_mismatch', `${HEAD}inputs: { flag: { type: boolean, ‸min: 2 } }\n${RULE}`],
  ['conflicting_keys', `${HEAD}inputs: { flag: { type: boolean, ‸items: string } }\n${RULE}`],
  [
    'conflicting_keys',
    `${HEAD}inputs: { flag: { type: boolean }, x: { type: number, min: 1, ‸enum: [1] } }\n${RULE}`,
  ],
  [
    'unverified_aibom_field',
    `${HEAD}inputs: { flag: { type: boolean }, ‸aibom.x: { type: string } }\n${RULE}`,
  ],
  [
    'input_conflict',
    `${HEAD}inputs: { flag: { type: boolean }, ‸flag.x: { type: string } }\n${RULE}`,
  ],
  [
    'input_conflict',
    `${HEAD}inputs: { flag.x: { type: string }, ‸flag: { type: boolean } }\n${RULE}`,
  ],
  [
    'input_conflict',
    `${HEAD}inputs: { flag: { type: boolean }, ‸risk.exposure: { type: integer } }\n${RULE}`,
  ],
  ['wrong_type', `${HEAD}thresholds: { a: ‸{} }\n${FLAG}${RULE}`],
  ['empty_list', `${HEAD}thresholds: { a: ‸[] }\n${FLAG}${RULE}`],
  [
    'wrong_type',
    `${HEAD}thresholds: { a: 1 }\n${FLAG}${RULE.replace('value: true', 'value_from: ‸thresholds.a')}`,
  ],
]

for (const [code, policy] of FILES) {
  test(`${code} is reported at the mark in: ${policy.replaceAll('\n', ' ⏎ ')}`, () => {
    expectProblem(code, policy)
  })
}

const RISKS: [code: string, risk: string][] = [
  ['missing_key', '‸weights: { a: 1 }\nlevels: { low: 0 }'],
  ['unknown_key', 'weights: { a: 1 }\nlevels: { low: 0 }\ndeny_at: 1\n‸deny_it: 2'],
  ['missing_key', '‸levels: { low: 0 }\ndeny_at: 1'],
  ['missing_key', '‸factors: []\nlevels: { low: 0 }\ndeny_at: 1'],
  ['wrong_type', 'weights: { a: ‸high }\nlevels: { low: 0 }\ndeny_at: 1'],
  ['empty_list', 'weights: ‸{}\nlevels: { low: 0 }\ndeny_at: 1'],
  ['empty_list', 'weights: { a: 1 }\nlevels: ‸{}\ndeny_at: 1'],
  ['bad_range', 'weights: { a: 1 }\nlevels: { low: 0, high: ‸0 }\ndeny_at: 1'],
  ['bad_range', 'scale: ‸{ min: 1, max: 1 }\nweights: { a: 1 }\nlevels: { low: 0 }\ndeny_at: 1'],
  ['bad_range', '‸weights: { a: 1e308, b: -1e308 }\nlevels: { low: 0 }\ndeny_at: 1'],
  ['bad_name', 'weights: { ‸a.b: 1 }\nlevels: { low: 0 }\ndeny_at: 1'],
  [
    'unknown_key',
    'policy: p\nweights: { a: 1 }\nlevels: { low: 0 }\ndeny_at: 1'.replace('policy', '‸policy'),
  ],
]

for (const [code, risk] of RISKS) {
  test(`${code} is reported at the mark in the risk matrix: ${risk.replaceAll('\n', ' ⏎ ')}`, () => {
    const { text, place } = unmark(risk)
    assert.deepEqual(brief(errorsOf(policyOf(REQUIRE), text)), [`risk-matrix.yml:${place} ${code}`])
  })
}

test('all problems of all files are reported, in order', () => {
  const problems = errorsOf(
    policyOf(
      'deny: { field: nope, op: eq, value: 1 }, mode: x',
      'require: { field: flag, op: gt, value: true }',
    ),
    'weights: 1\nlevels: { low: 0 }\ndeny_at: x',
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['undeclared_field', 'unknown_value', 'operator_type_mismatch', 'wrong_type', 'wrong_type'],
  )
})

test('a near miss is answered with what was probably meant', () => {
  const message = (rule: string) => errorsOf(policyOf(rule))[0]?.message ?? ''
  assert.match(message(`${REQUIRE}, efective_from: 2026-01-01`), /"effective_from"/)
  assert.match(message('require: { field: outer.iner, op: eq, value: a }'), /"outer.inner"/)
  assert.match(message('require: { field: colour, op: not-in, value: [red] }'), /"not_in"/)
  assert.match(message('require: { field: colour, op: eq, value: Green }'), /"green"/)
  assert.doesNotMatch(message('require: { field: weather, op: eq, value: a }'), /did you mean/)
  const threshold = policyOf('require: { field: share, op: gt, value_from: thresholds.mni }')
  const problems = errorsOf(threshold.replace('inputs:', 'thresholds: { min: 0.1 }\ninputs:'))
  assert.match(problems[0]!.message, /"thresholds.min"/)
})

test('a risk matrix that cannot be read is not held against the rules that need it', () => {
  const policy = policyOf('deny: { field: risk.harm, op: gt, value: 1 }')
  assert.deepEqual(brief(errorsOf(policy, 'a: &b 1')), ['risk-matrix.yml:1:4 yaml_feature'])
})

test('README.md names every code', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const codes = [...read('../src/load/load-problem.ts').matchAll(/^ {2}\| '(\w+)'$/gm)].map(
    (it) => it[1],
  )
  const readme = read('../README.md')
  assert.ok(codes.length > 30)
  assert.deepEqual(
    codes.filter((code) => !readme.includes(`\`${code}\``)),
    [],
  )
})
