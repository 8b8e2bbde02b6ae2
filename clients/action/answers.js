import { isDeepStrictEqual } from 'node:util'
import { GateFailure } from './failure.js'

/**
 * The parts of a decision that the gate uses; docs/API.md has all of it.
 *
 * @typedef {object} Decision
 * @property {boolean} allowed
 * @property {string[]} reasons
 * @property {number} risk_score
 * @property {string} risk_level
 * @property {string} decision_id
 * @property {{ name: string, version: string, digest: string }} policy
 * @property {string} input_digest
 * @property {{ status: string, format: string | null, key_id: string | null, canonical_sha256: string | null, reason: string | null }} aibom
 */

/**
 * What is put on the log.
 *
 * @typedef {object} LogEvent
 * @property {string} event_type
 * @property {string} subject
 * @property {boolean} decision
 * @property {Record<string, unknown>} details
 */

/**
 * The parts of a log entry that the gate uses.
 *
 * @typedef {object} Entry
 * @property {number} id
 * @property {string} entry_hash 64 hex digits.
 */

/** Texts of JSON are untrusted until they are found here. @type {(value: unknown) => value is string} */
const isText = (value) => typeof value === 'string'
/** @type {(value: unknown) => boolean} */
const isTextOrNull = (value) => value === null || isText(value)

/**
 * The answer of `POST /mcp-policy/validate`, checked member by member: an answer in another shape allows
 * nothing, whatever it says.
 *
 * @param {unknown} answer
 * @returns {Decision}
 * @throws {GateFailure}
 */
export function readDecision(answer) {
  const { allowed, reasons, risk_score, risk_level, decision_id, policy, input_digest, aibom } =
    members(answer)
  const { name, version, digest } = members(policy)
  const { status, format, key_id, canonical_sha256, reason } = members(aibom)
  const fits =
    typeof allowed === 'boolean' &&
    Array.isArray(reasons) &&
    typeof risk_score === 'number' &&
    [...reasons, risk_level, decision_id, input_digest, name, version, digest, status].every(
      isText,
    ) &&
    [format, key_id, canonical_sha256, reason].every(isTextOrNull) &&
    (!allowed || reasons.length === 0)
  if (!fits) {
    throw new GateFailure(
      'mcp-policy gave an answer that is not a decision. Check that the input url is the gateway of the control plane.',
    )
  }
  return /** @type {Decision} */ ({
    allowed,
    reasons,
    risk_score,
    risk_level,
    decision_id,
    policy: { name, version, digest },
    input_digest,
    aibom: { status, format, key_id, canonical_sha256, reason },
  })
}

/**
 * The answer of `POST /mcp-audit/log`. It has to be an entry of exactly what was sent: another one is no
 * evidence of this decision.
 *
 * @param {unknown} answer
 * @param {LogEvent} event
 * @returns {Entry}
 * @throws {GateFailure}
 */
export function readEntry(answer, event) {
  const { id, entry_hash, event_type, subject, decision, details } = members(answer)
  const fits =
    Number.isSafeInteger(id) &&
    isText(entry_hash) &&
    /^[0-9a-f]{64}$/.test(entry_hash) &&
    isDeepStrictEqual({ event_type, subject, decision, details }, event)
  if (!fits) {
    throw new GateFailure(
      'mcp-audit did not answer with the entry of this decision, so nothing shows that it is on the log.',
    )
  }
  return /** @type {Entry} */ ({ id, entry_hash })
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>} no members for what is not an object
 */
function members(value) {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
