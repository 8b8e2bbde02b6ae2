import type { JsonObject } from '@ai-governance/common/canonical-json'
import { asList, isObject, listOf, member, put, text } from './aibom-read.ts'

/**
 * The datasets of a model card, which stand in it or are referred to by `bom-ref`. One that cannot be
 * found counts, but leaves every list about the datasets unknown.
 */
export function datasetsOf(card: JsonObject, components: readonly JsonObject[]): JsonObject {
  const { datasets } = member(card, 'modelParameters')
  const fields: JsonObject = {}
  if (!Array.isArray(datasets)) return fields
  const found = datasets.map((dataset) =>
    isObject(dataset) && dataset.ref !== undefined ? resolve(dataset.ref, components) : dataset,
  )
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

/**
 * The description of a dataset: the one data set of the one component with this `bom-ref`, under the
 * component's name, or one that bears the `bom-ref` itself; null if there is none or more than one.
 */
function resolve(ref: unknown, components: readonly JsonObject[]): JsonObject | null {
  const described: JsonObject[] = []
  for (const component of components) {
    const parts = asList(component.data).filter(isObject)
    if (component['bom-ref'] === ref) {
      const [only, ...more] = parts
      if (more.length > 0) return null
      described.push({ ...only, name: component.name ?? null })
    } else {
      described.push(...parts.filter((part) => part['bom-ref'] === ref))
    }
  }
  const [only, ...more] = described
  return only && more.length === 0 ? only : null
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : undefined
}
