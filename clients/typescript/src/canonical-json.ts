import type { JsonValue } from './json.ts'

/** Deeper values are refused: following them would exhaust the stack. The services take 64 levels. */
const MAX_DEPTH = 128

/**
 * The canonical text of a JSON value (RFC 8785): members sorted by UTF-16 code units, numbers and
 * strings as ECMAScript prints them, no white space.
 *
 * Throws `TypeError` for what I-JSON cannot hold (a lone surrogate, a number that is not finite), for
 * what is no JSON at all (`undefined`, a function, a bigint), and for more than 128 levels.
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, MAX_DEPTH)
}

function write(value: JsonValue, levels: number): string {
  if (value === null || value === true || value === false) return String(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return JSON.stringify(value)
    throw new TypeError(`${value} is not a number that JSON can hold`)
  }
  if (typeof value !== 'object') throw new TypeError(`JSON cannot hold a ${typeof value}`)
  if (levels === 0) throw new TypeError(`the value is nested deeper than ${MAX_DEPTH} levels`)
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => write(item, levels - 1)).join(',')}]`
  }
  const members: string[] = []
  for (const name of Object.keys(value).sort()) {
    members.push(`${quoted(name)}:${write(value[name] as JsonValue, levels - 1)}`)
  }
  return `{${members.join(',')}}`
}

function quoted(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text)
  throw new TypeError('a text holds half of a surrogate pair, which JSON cannot hold')
}
