import { FIELD } from '../load/read-input.ts'
import { OUTCOMES } from '../policy-set.ts'
import { EXPECT_KEYS } from '../policy-tests/test-expectation.ts'
import { CASE_KEYS, TESTS_KEYS } from '../policy-tests/test-file.ts'
import { MOMENT } from '../policy-tests/test-input.ts'
import { boolean, listOf, mapOf, number, oneWordOf, type Schema, shapeOf, text } from './parts.ts'

/** The schema of a `*.tests.yml`. */
export function testsSchema(): Schema {
  const at: Schema = {
    type: 'string',
    pattern: MOMENT.source,
    description: 'The day (UTC), or the instant, at which the cases are judged.',
  }
  const paths = (description: string) => mapOf(FIELD, {}, description)
  return shapeOf(TESTS_KEYS, {
    tests: text('The file that is tested: a policy or the risk matrix.'),
    owner: text('Who answers for the tests.'),
    coverage: {
      ...number('The share of outcomes to be seen: 1.0 means each rule broken and kept.'),
      minimum: 0,
      maximum: 1,
    },
    at,
    base: paths('The input of every case; under aibom, what a verified AIBOM says.'),
    cases: listOf(
      shapeOf(CASE_KEYS, {
        name: text('What the case shows.'),
        at,
        set: paths('Dotted paths and the values that differ.'),
        unset: listOf(text(), 'Dotted paths that the base has and the case leaves out.'),
        expect: expectSchema(),
      }),
    ),
  })
}

function expectSchema(): Schema {
  const rules = (description: string): Schema => ({
    type: 'array',
    items: { type: 'string' },
    uniqueItems: true,
    description,
  })
  const denied: Schema = { required: ['reasons'], properties: { reasons: { minItems: 1 } } }
  const allowed: Schema = { properties: { reasons: { maxItems: 0 } } }
  return shapeOf(
    EXPECT_KEYS,
    {
      allowed: boolean('The decision.'),
      reasons: rules('Ids of all rules that deny, risk-score and nothing_applies among them.'),
      warnings: rules('Ids of all rules of mode warn that are broken or not established.'),
      not_established: rules('Ids of all rules that are not established.'),
      waived: rules('Ids of all rules that are waived.'),
      outcomes: {
        type: 'object',
        additionalProperties: oneWordOf(OUTCOMES),
        description: 'Rule id: what becomes of it.',
      },
      risk_score: number('The risk score.'),
      risk_level: text('The name of the risk level.'),
    },
    {
      if: { properties: { allowed: { const: false } }, required: ['allowed'] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
      then: denied,
      else: allowed,
    },
  )
}
