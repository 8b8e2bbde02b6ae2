import { CONDITION_KEYS, OPERATORS, ORDERING } from '../load/read-condition.ts'
import { BAND_KEYS, FACTOR_ID, FACTOR_KEYS } from '../load/read-factors.ts'
import { FIELD, INPUT_KEYS, SCALAR_TYPES, TYPES } from '../load/read-input.ts'
import { POLICY_KEYS, THRESHOLD_NAME } from '../load/read-layer.ts'
import { RISK_KEYS, SCALE_KEYS } from '../load/read-risk.ts'
import { MODES, RULE_KEYS } from '../load/read-rule.ts'
import { WAIVER_KEYS } from '../load/read-waiver.ts'
import {
  boolean,
  day,
  listOf,
  mapOf,
  name,
  number,
  oneKeyOf,
  oneWordOf,
  ref,
  type Schema,
  shapeOf,
  text,
} from './parts.ts'
import { testsSchema } from './tests-schema.ts'

const SCALAR: Schema = { type: ['string', 'number', 'boolean'] }

/**
 * The JSON Schema (draft 2020-12) of the files in `policies/`, for editors. It is made from the
 * tables of keys and words that the loader reads by, and knows the shape of a file; that fields are
 * declared, values fit their types and rules can match is for the loader to say.
 */
export function policySchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Policy, risk matrix or policy tests, version 1',
    ...when('policy', ref('policy'), when('tests', ref('tests'), ref('risk'))),
    $defs: {
      policy: policy(),
      rule: rule(),
      condition: condition(),
      comparison: comparison(),
      input: input(),
      waiver: waiver(),
      risk: risk(),
      factor: factor(),
      tests: testsSchema(),
    },
  }
}

/** An `if` rather than a choice of shapes, so that an editor complains about the shape meant. */
function when(key: string, schema: Schema, otherwise: Schema): Schema {
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
  return { if: { type: 'object', required: [key] }, then: schema, else: otherwise }
}

function policy(): Schema {
  const threshold = { type: ['string', 'number', 'boolean', 'array'], minItems: 1 }
  return shapeOf(POLICY_KEYS, {
    policy: name('The name of the policy.'),
    version: name('The version of this file, such as "2026.11.1".'),
    owner: text('Who answers for the policy.'),
    thresholds: mapOf(THRESHOLD_NAME, threshold, 'Named values, for value_from in rules.'),
    inputs: mapOf(FIELD, ref('input'), 'Every field that a rule may read, by its dotted path.'),
    rules: listOf(ref('rule'), 'Every rule is judged; one broken rule of mode block denies.'),
    waivers: { type: 'array', items: ref('waiver'), description: 'Approved exceptions.' },
  })
}

function input(): Schema {
  return shapeOf(INPUT_KEYS, {
    type: oneWordOf(TYPES, 'What the value must be; nothing is converted.'),
    items: oneWordOf(SCALAR_TYPES, 'The type of the elements of a list; string unless said.'),
    enum: listOf(SCALAR, 'The only values allowed.'),
    min: number('The smallest value allowed.'),
    max: number('The largest value allowed.'),
    source: oneWordOf(['aibom'], 'The field counts only from a verified bill of materials.'),
  })
}

function rule(): Schema {
  return shapeOf(
    RULE_KEYS,
    {
      id: name('The name of the rule, unique in the set.'),
      reason: text('The sentence that a denied caller reads.'),
      law: listOf(text(), 'References, repeated in the explanation.'),
      when: { ...ref('condition'), description: 'The rule applies only where this is not false.' },
      require: { ...ref('condition'), description: 'The rule is kept where this is true.' },
      deny: { ...ref('condition'), description: 'The rule is kept where this is false.' },
      mode: oneWordOf(MODES, 'block (unless said) denies, warn reports, observe only explains.'),
      effective_from: day('The first day (UTC) on which the rule is in force.'),
      effective_until: day('The last day (UTC) on which the rule is in force.'),
      owner: text('Who answers for the rule.'),
      waivable: boolean('false: no waiver excuses this rule.'),
    },
    oneKeyOf(['require', 'deny']),
  )
}

function condition(): Schema {
  const parts = (description: string) => listOf(ref('condition'), description)
  const all = shapeOf(CONDITION_KEYS.all, { all: parts('True if every part is true.') })
  const any = shapeOf(CONDITION_KEYS.any, { any: parts('True if a part is true.') })
  return when('all', all, when('any', any, ref('comparison')))
}

function comparison(): Schema {
  const lists = { properties: { op: { enum: ['in', 'not_in'] } } }
  const numbers = { properties: { op: { enum: [...ORDERING] } } }
  const value = (schema: Schema): Schema => ({ properties: { value: schema } })
  return shapeOf(
    CONDITION_KEYS.field,
    {
      field: { type: 'string', pattern: FIELD.source, description: 'One of the inputs.' },
      op: oneWordOf(OPERATORS, 'How field and value compare.'),
      value: { description: 'What the field is compared with; a list for in and not_in.' },
      value_from: text('A threshold, written thresholds.<name>.'),
    },
    {
      ...oneKeyOf(['value', 'value_from']),
      if: lists,
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
      then: value({ type: 'array', items: SCALAR, minItems: 1 }),
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
      else: { if: numbers, then: value({ type: 'number' }), else: value(SCALAR) },
    },
  )
}

function waiver(): Schema {
  return shapeOf(WAIVER_KEYS, {
    rule: name('The id of a rule of this file.'),
    match: { ...ref('condition'), description: 'Which requests are excused: where this is true.' },
    expires: day('The last day (UTC) on which it excuses.'),
    approved_by: text('Who approved it.'),
    why: text('For which reason.'),
  })
}

function risk(): Schema {
  const scale = shapeOf(SCALE_KEYS, { min: number(), max: number() })
  const levels = { type: 'object', minProperties: 1, additionalProperties: number() }
  return shapeOf(
    RISK_KEYS,
    {
      risk: name('The name of the risk model.'),
      version: name('The version of this file.'),
      scale: {
        ...scale,
        description: 'The ends of the scale of every weight; 0 and 5 unless said.',
      },
      weights: {
        ...mapOf(FACTOR_ID, number(), 'Factor: weight; the request states risk.<factor>.'),
        minProperties: 1,
      },
      factors: { type: 'array', items: ref('factor'), description: 'Factors of other inputs.' },
      levels: { ...levels, description: 'Level: the score at which it starts.' },
      deny_at: number('A request with this score or more is denied.'),
    },
    { anyOf: [{ required: ['weights'] }, { required: ['factors'] }] },
  )
}

function factor(): Schema {
  const band = shapeOf(BAND_KEYS, {
    from: number('Where the band starts.'),
    points: number('What it counts.'),
  })
  const points = { type: 'object', minProperties: 1, additionalProperties: number() }
  return shapeOf(
    FACTOR_KEYS,
    {
      id: { type: 'string', pattern: FACTOR_ID.source, description: 'The name of the factor.' },
      field: { type: 'string', pattern: FIELD.source, description: 'One of the inputs.' },
      weight: number('What the points are multiplied with.'),
      points: { ...points, description: 'Value: points.' },
      bands: listOf(band, 'Of a number: rising starts of bands, each with its points.'),
    },
    oneKeyOf(['points', 'bands']),
  )
}
