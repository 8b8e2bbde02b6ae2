/** A value that JSON text can hold. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject
export interface JsonObject {
  [name: string]: JsonValue
}

/** Text that JSON writes as it stands: ASCII without controls, `"` and `\`. */
const PLAIN = /^[ !#-[\]-~]*$/

/**
 * The canonical text of a JSON value by RFC 8785 (JCS): no white space, names sorted by their UTF-16
 * code units (§3.2.3), numbers and strings as ECMAScript prints them (§3.2.2).
 *
 * The value must be I-JSON (RFC 7493): what `strict-json.ts` lets through. Throws `TypeError` for a
 * number that is not finite or a lone surrogate, neither of which JCS can represent (§3.2.2.2, §3.2.2.3).
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new TypeError('canonical JSON cannot hold a non-finite number')
    return JSON.stringify(value)
  }
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return canonicalList(value)
  // The default order of sort() is by UTF-16 code units, which is what RFC 8785 asks for.
  const names = Object.keys(value).sort()
  let members = ''
  for (const name of names) {
    members += `${members && ','}${canonicalString(name)}:${canonicalJson(value[name] as JsonValue)}`
  }
  return `{${members}}`
}

function canonicalList(values: readonly JsonValue[]): string {
  let elements = ''
  for (const value of values) elements += `${elements && ','}${canonicalJson(value)}`
  return `[${elements}]`
}

function canonicalString(text: string): string {
  // Twice as fast for what most strings and names are.
  if (PLAIN.test(text)) return `"${text}"`
  if (!text.isWellFormed()) throw new TypeError('canonical JSON cannot hold a lone surrogate')
  return JSON.stringify(text)
}
