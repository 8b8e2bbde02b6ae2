import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { asList, isObject, listOf, member, put, text, texts } from './read.ts'

/** What each `bom-ref` describes; null where more than one thing bears it. */
type Described = ReadonlyMap<string, JsonObject | null>

/**
 * The datasets of a model card, which stand in it or are referred to by `bom-ref`. One that cannot be
 * found counts, but leaves every list about the datasets unknown.
 */
export function datasetsOf(card: JsonObject, components: readonly JsonObject[]): JsonObject {
  const { datasets } = member(card, 'modelParameters')
  const fields: JsonObject = {}
  if (!Array.isArray(datasets)) return fields
  const described = describedBy(components)
  const all = datasets.map((dataset) =>
    isObject(dataset) && dataset.ref !== undefined ? resolve(dataset, described) : dataset,
  )
  // Thousands may refer to one, which may be long: each is read once.
  const found = [...new Set(all)]
  fields.count = datasets.length
  put(
    fields,
    'names',
    listOf(found, ({ name }) => text(name)),
  )
  put(
    fields,
    'classifications',
    listOf(found, ({ classification }) => text(classification)),
  )
  put(
    fields,
    'sensitive_data',
    listOf(found, ({ sensitiveData }) => texts(sensitiveData)),
  )
  return fields
}

/** Null where the reference leads nowhere or to several, or more is said beside it: which would count? */
function resolve({ ref, ...more }: JsonObject, described: Described): JsonObject | null {
  if (typeof ref !== 'string' || Object.keys(more).length > 0) return null
  return described.get(ref) ?? null
}

/**
 * What datasets can refer to: a component, which stands for its one data set under the component's name,
 * or a data set that bears a `bom-ref` of its own. Made once, for a bill may have many of both.
 */
function describedBy(components: readonly JsonObject[]): Described {
  const described = new Map<string, JsonObject | null>()
  const add = (ref: JsonValue | undefined, what: JsonObject | null) => {
    if (typeof ref === 'string') described.set(ref, described.has(ref) ? null : what)
  }
  for (const component of components) {
    const ref = component['bom-ref']
    const parts = asList(component.data).filter(isObject)
    const [only, ...more] = parts
    add(ref, more.length > 0 ? null : { ...only, name: component.name ?? null })
    for (const part of parts) if (part['bom-ref'] !== ref) add(part['bom-ref'], part)
  }
  return described
}
