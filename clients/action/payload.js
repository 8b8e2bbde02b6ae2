import { readFileSync } from 'node:fs'
import { GateFailure } from './failure.js'

/**
 * The payload as it was written, with the bill of materials as its member `aibom`.
 *
 * The text goes out as it stands and is not printed anew from parsed values: JavaScript would let the last
 * of two equal names win and round large integers, and the control plane could no longer refuse them.
 *
 * @param {string} payload JSON text of an object
 * @param {string} aibom JSON text of an object, or '' for none
 * @returns {string} JSON text of an object
 * @throws {GateFailure} which input is wrong; never with a part of it
 */
export function wholePayload(payload, aibom) {
  const members = parseObject(payload, 'The payload')
  if (aibom === '') return payload
  parseObject(aibom, 'The content of aibom-file')
  if (Object.hasOwn(members, 'aibom')) {
    throw new GateFailure(
      'The payload has a member aibom and the input aibom-file is given. Leave one of them out.',
    )
  }
  // Both texts are complete objects, so behind the first brace there is room for one more member.
  const rest = payload.trimStart().slice(1)
  const comma = Object.keys(members).length > 0 ? ',' : ''
  return `{"aibom":${aibom}${comma}${rest}`
}

/**
 * The body of `POST /api/v1/gate`.
 *
 * @param {string} payload JSON text of an object
 * @param {{ subject: string, record: string }} inputs
 * @returns {string} JSON text
 */
export function gateBody(payload, { subject, record }) {
  const rest = JSON.stringify({ subject, record }).slice(1)
  return `{"payload":${payload},${rest}`
}

/**
 * @param {string} text
 * @param {string} what
 * @returns {object}
 */
function parseObject(text, what) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new GateFailure(`${what} is not valid JSON. "jq . <file>" shows where.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GateFailure(`${what} must be a JSON object: { … }.`)
  }
  return value
}

/**
 * The text of a file that an input names.
 *
 * @param {string} path
 * @param {string} name of the input
 * @returns {string}
 * @throws {GateFailure} if it cannot be read or is not UTF-8 (RFC 8259 §8.1)
 */
export function readTextFile(path, name) {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return decoder.decode(readFileSync(path))
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new GateFailure(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? `The file of the input ${name} is not UTF-8 text.`
        : `The file of the input ${name} cannot be read (${code}): ${path}. Was it made in an earlier step, and the repository checked out?`,
    )
  }
}
