/** A part of a schema as a CustomResourceDefinition states it. */
export type Schema = { [member: string]: unknown }

/** A CustomResourceDefinition, as far as it is read here. */
export interface Definition {
  spec: {
    group: string
    names: { kind: string }
    versions: { name: string; schema?: { openAPIV3Schema: Schema } }[]
  }
}

/**
 * The schemas of a CustomResourceDefinition as kubeconform looks for them, by file name: `cluster-postgresql-v1.json`.
 * Members that a schema does not name are refused, as the API server refuses them under strict validation.
 */
export function schemasOf({ spec }: Definition): Map<string, Schema> {
  const [group] = spec.group.split('.')
  const kind = spec.names.kind.toLowerCase()
  return new Map(
    spec.versions.flatMap(({ name, schema }) =>
      schema ? [[`${kind}-${group}-${name}.json`, closed(schema.openAPIV3Schema)] as const] : [],
    ),
  )
}

/** The same schema, where each object with named members takes no others. */
export function closed(schema: Schema): Schema {
  const members = Object.entries(schema).map(([name, value]) => [name, closedMember(name, value)])
  const result: Schema = Object.fromEntries(members)
  // What both a number and a text may be has no type of its own in JSON Schema.
  if (schema['x-kubernetes-int-or-string'] === true) {
    delete result.type
    result.anyOf = [{ type: 'integer' }, { type: 'string' }]
  }
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
  if ('properties' in schema && !('additionalProperties' in schema) && !isOpen) {
    result.additionalProperties = false
  }
  return result
}

function closedMember(name: string, value: unknown): unknown {
  if (name === 'properties') return mapValues(value as Record<string, Schema>)
  // What stands in anyOf, oneOf, allOf and not adds to a schema that is closed already.
  if (name === 'items' || name === 'additionalProperties') {
    return typeof value === 'object' ? closed(value as Schema) : value
  }
  return value
}

function mapValues(properties: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, closed(part)]))
}
