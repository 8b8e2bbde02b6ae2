import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'

/** A member that is an object; an empty one stands for any other. */
export function member(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  return isObject(value) ? value : {}
}

/** The parts of a list; none of anything else. */
export function asList(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** A text that says something; undefined for everything else. */
export function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Sets a field if there is something to say; an object without members says nothing. */
export function put(fields: JsonObject, name: string, value: JsonValue | undefined): void {
  if (value === undefined || (isObject(value) && Object.keys(value).length === 0)) return
  fields[name] = value
}

/**
 * What `read` finds in each object of a list, each value once, in order. Undefined where there is no
 * list or one of its parts does not tell: a list with a gap would look complete.
 */
export function listOf(
  list: JsonValue | undefined,
  read: (part: JsonObject) => string | readonly string[] | undefined,
): string[] | undefined {
  if (!Array.isArray(list)) return undefined
  const values = new Set<string>()
  for (const part of list) {
    const value = isObject(part) ? read(part) : undefined
    if (value === undefined) return undefined
    for (const one of typeof value === 'string' ? [value] : value) values.add(one)
  }
  return [...values]
}

/** The texts of a list, each once; undefined where there is no list or one of its parts is no text. */
export function texts(value: JsonValue | undefined): string[] | undefined {
  const isList = Array.isArray(value) && value.every((part) => typeof part === 'string')
  return isList ? [...new Set(value)] : undefined
}

/** SPDX ids, names and expressions of a component's `licenses`. */
export function licensesOf(component: JsonObject): string[] | undefined {
  return listOf(component.licenses, (choice) => {
    const license = member(choice, 'license')
    return text(license.id) ?? text(license.name) ?? text(choice.expression)
  })
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Which of the two formats a bill is read as. */
export function isCycloneDx(aibom: JsonObject): boolean {
  return Object.hasOwn(aibom, 'bomFormat')
}
