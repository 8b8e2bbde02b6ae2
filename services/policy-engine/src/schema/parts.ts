import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { NAME } from '../load/shape.ts'

/*
 * The words of JSON Schema in which schema.ts and schema-tests.ts are written. Shapes take the key
 * tables that the loader reads by: a key without a schema is a type error.
 */

export type Schema = JsonObject

interface KeyTable {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}
type KeyOf<Keys extends KeyTable> = Keys['required'][number] | Keys['optional'][number]

/** A map with exactly the keys of the table. */
export function shapeOf<Keys extends KeyTable>(
  keys: Keys,
  properties: Record<KeyOf<Keys>, Schema>,
  more: Schema = {},
): Schema {
  const required = [...keys.required]
  return { type: 'object', required, properties, additionalProperties: false, ...more }
}

export function oneWordOf(words: readonly string[], description?: string): Schema {
  return describe({ enum: [...words] }, description)
}

export function listOf(items: Schema, description?: string): Schema {
  return describe({ type: 'array', items, minItems: 1 }, description)
}

export function mapOf(names: RegExp, values: Schema, description?: string): Schema {
  const propertyNames = { pattern: names.source }
  return describe({ type: 'object', propertyNames, additionalProperties: values }, description)
}

/** A text that is not blank. */
export function text(description?: string): Schema {
  return describe({ type: 'string', pattern: '\\S' }, description)
}

export function name(description?: string): Schema {
  return describe({ type: 'string', pattern: NAME.source }, description)
}

export function number(description?: string): Schema {
  return describe({ type: 'number' }, description)
}

export function boolean(description?: string): Schema {
  return describe({ type: 'boolean' }, description)
}

export function day(description: string): Schema {
  return { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$', description }
}

/** Exactly one of the keys must be there. */
export function oneKeyOf(keys: readonly string[]): Schema {
  return { oneOf: keys.map((key) => ({ required: [key] })) }
}

export function ref(definition: string): Schema {
  return { $ref: `#/$defs/${definition}` }
}

function describe(schema: Schema, description: string | undefined): Schema {
  return description === undefined ? schema : { ...schema, description }
}
