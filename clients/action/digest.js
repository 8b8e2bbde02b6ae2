import { createHash } from 'node:crypto'

/**
 * The digest by which the gate knows a payload: `sha256:` and the hex SHA-256 of its canonical JSON
 * (docs/FORMATS.md, RFC 8785).
 *
 * @param {unknown} payload of `JSON.parse`
 */
export function inputDigest(payload) {
  return `sha256:${createHash('sha256').update(canonicalJson(payload)).digest('hex')}`
}

/**
 * Members sorted by UTF-16 code units, numbers and texts as ECMAScript prints them, no white space.
 *
 * @param {unknown} value of `JSON.parse`; undefined stays what it is
 * @returns {string}
 */
export function canonicalJson(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = /** @type {Record<string, unknown>} */ (value)
  const names = Object.keys(members).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name])}`).join(',')}}`
}
