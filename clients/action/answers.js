import { canonicalJson, inputDigest } from './digest.js'
import { GateFailure } from './failure.js'

/**
 * The parts of a decision that the step shows; docs/API.md has all of it.
 *
 * @typedef {object} Decision
 * @property {boolean} allowed
 * @property {string[]} reasons
 * @property {number} risk_score
 * @property {string} risk_level
 * @property {string} decision_id
 * @property {{ name: string, version: string, digest: string }} policy
 * @property {string} input_digest
 * @property {{ status: string }} aibom
 */

/**
 * The parts of the log entry that the step shows.
 *
 * @typedef {object} Entry
 * @property {number} id
 * @property {string} entry_hash 64 hex digits.
 * @property {string} created_at
 * @property {string} checkpoint The signed note of the proof, or '' where none came.
 * @property {string} whyNoProof Where one was asked for and none came, why; else ''. The server's words.
 */

/**
 * What was asked.
 *
 * @typedef {object} Question
 * @property {string} subject
 * @property {'digest' | 'full'} record
 * @property {boolean} proof
 * @property {unknown} payload Parsed.
 */

/** Texts of JSON are untrusted until they are found here. @type {(value: unknown) => value is string} */
const isText = (value) => typeof value === 'string'

/**
 * The answer of `POST /api/v1/gate`, checked member by member. It has to be a decision about exactly what was asked
 * and the entry that records it: what allows in one place and not in the others, or speaks of something else,
 * allows nothing.
 *
 * @param {unknown} answer
 * @param {Question} question
 * @returns {{ decision: Decision, entry: Entry }}
 * @throws {GateFailure}
 */
export function readAnswer(answer, question) {
  const { allowed, decision, audit } = members(answer)
  const decided = readDecision(decision)
  const entry = readEntry(audit, decision, question)
  const fits =
    decided !== null &&
    entry !== null &&
    allowed === decided.allowed &&
    members(audit).decision === decided.allowed &&
    decided.input_digest === inputDigest(question.payload)
  if (!fits) {
    throw new GateFailure(
      'The answer is not the recorded decision about this payload, so nothing is allowed. ' +
        'Check that the input url is the gateway of the control plane.',
    )
  }
  return { decision: decided, entry }
}

/**
 * @param {unknown} value
 * @returns {Decision | null}
 */
function readDecision(value) {
  const { allowed, reasons, risk_score, risk_level, decision_id, policy, input_digest, aibom } =
    members(value)
  const { name, version, digest } = members(policy)
  const { status } = members(aibom)
  const fits =
    typeof allowed === 'boolean' &&
    Array.isArray(reasons) &&
    typeof risk_score === 'number' &&
    [...reasons, risk_level, decision_id, input_digest, name, version, digest, status].every(
      isText,
    ) &&
    (!allowed || reasons.length === 0)
  return fits ? /** @type {Decision} */ (value) : null
}

/**
 * @param {unknown} value
 * @param {unknown} decision that it has to record
 * @param {Question} question
 * @returns {Entry | null}
 */
function readEntry(value, decision, { subject, record, proof, payload }) {
  const entry = members(value)
  const { id, entry_hash, created_at } = entry
  const details = members(entry.details)
  const fits =
    Number.isSafeInteger(id) &&
    isText(entry_hash) &&
    /^[0-9a-f]{64}$/.test(entry_hash) &&
    isText(created_at) &&
    entry.event_type === 'gate.decided' &&
    entry.subject === subject &&
    details.record === record &&
    canonicalJson(details.decision) === canonicalJson(decision) &&
    (record === 'digest' || canonicalJson(details.payload) === canonicalJson(payload))
  const proven = proof ? readProof(entry) : { checkpoint: '', whyNoProof: '' }
  return fits && proven ? /** @type {Entry} */ ({ id, entry_hash, created_at, ...proven }) : null
}

/**
 * @param {Record<string, unknown>} entry
 * @returns {Pick<Entry, 'checkpoint' | 'whyNoProof'> | null}
 */
function readProof({ id, proof, proof_error }) {
  if (proof === null) {
    const { code, detail } = members(proof_error)
    return isText(code) ? { checkpoint: '', whyNoProof: `${code} (${detail})` } : null
  }
  const { index, hashes, checkpoint } = members(proof)
  const fits =
    Number.isSafeInteger(index) &&
    index === Number(id) - 1 &&
    Array.isArray(hashes) &&
    hashes.every(isText) &&
    isText(checkpoint)
  return fits ? { checkpoint, whyNoProof: '' } : null
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>} no members for what is not an object
 */
function members(value) {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
