// The step that action.yml runs: have it decided and recorded, tell. Exit codes: 0 to go on, 1 for everything else.
import { randomBytes } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAnswer } from './answers.js'
import { annotation, mask, oneLine, outputLines } from './commands.js'
import { GateFailure } from './failure.js'
import { postJson } from './gateway.js'
import { readInputs, readToken } from './inputs.js'
import { gateBody, readTextFile, wholePayload } from './payload.js'
import { idempotencyKey, makeRequestId } from './run.js'
import { MOST_REASONS, summary } from './summary.js'

/**
 * A decision that is on the log.
 *
 * @typedef {object} Receipt
 * @property {import('./answers.js').Decision} decision
 * @property {import('./answers.js').Entry} entry
 * @property {boolean} replayed Whether it was on the log before.
 * @property {string} file Path of the file with the whole answer.
 */

/**
 * What is known so far; whatever happens, this is told in the end.
 *
 * @typedef {object} Gate
 * @property {string} requestId
 * @property {string} subject
 * @property {Receipt} [receipt]
 */

const TITLE = 'Governance gate'
const { env } = process

/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`)

/**
 * Asks the gate. Fills in `gate` as it goes, so that a failure half-way tells what was reached.
 *
 * @param {Gate} gate
 * @returns {Promise<boolean>} whether the job may go on
 */
async function askTheGate(gate) {
  const inputs = readInputs(env)
  const { url, token, timeoutMs, subject, record, proof, failOnDeny } = inputs
  gate.subject = subject
  const given = inputs.payload || readTextFile(inputs.payloadFile, 'payload-file')
  const aibom = inputs.aibomFile && readTextFile(inputs.aibomFile, 'aibom-file')
  const payload = wholePayload(given, aibom)
  const body = gateBody(payload, inputs)
  const file = join(runnerFile('RUNNER_TEMP'), `governance-receipt-${gate.requestId}.json`)

  const { text, value, replayed } = await postJson({
    ...{ token, timeoutMs, requestId: gate.requestId, body },
    url: `${url}/api/v1/gate${proof ? '?proof=true' : ''}`,
    key: idempotencyKey(env, body),
  })
  const question = { subject, record, proof, payload: JSON.parse(payload) }
  const { decision, entry } = readAnswer(value, question)
  // As it came: printed anew, numbers could differ from what was hashed.
  writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  gate.receipt = { decision, entry, replayed, file }
  tellReasons(decision, failOnDeny)
  return decision.allowed || !failOnDeny
}

/**
 * @param {import('./answers.js').Decision} decision
 * @param {boolean} failOnDeny
 */
function tellReasons({ allowed, reasons }, failOnDeny) {
  const level = failOnDeny ? 'error' : 'warning'
  for (const reason of reasons.slice(0, MOST_REASONS)) print(annotation(level, TITLE, reason))
  const more = reasons.length - MOST_REASONS
  if (more > 0) print(annotation(level, TITLE, `and ${more} more reasons`))
  if (!allowed && reasons.length === 0) print(annotation(level, TITLE, 'Denied without a reason.'))
}

/** @param {Gate} gate */
function tellResult({ requestId, subject, receipt }) {
  const { decision, entry, replayed = false, file = '' } = receipt ?? {}
  const outputs = {
    allowed: String(decision?.allowed === true),
    'decision-id': decision?.decision_id ?? '',
    'risk-score': decision ? String(decision.risk_score) : '',
    'risk-level': decision?.risk_level ?? '',
    'policy-digest': decision?.policy.digest ?? '',
    'input-digest': decision?.input_digest ?? '',
    'entry-id': entry ? String(entry.id) : '',
    'entry-hash': entry?.entry_hash ?? '',
    checkpoint: entry?.checkpoint ?? '',
    'receipt-file': file,
    replayed: receipt ? String(replayed) : '',
    'request-id': requestId,
  }
  const makeDelimiter = () => `gate_${randomBytes(16).toString('hex')}`
  appendFileSync(runnerFile('GITHUB_OUTPUT'), outputLines(outputs, makeDelimiter))
  appendFileSync(runnerFile('GITHUB_STEP_SUMMARY'), summary({ requestId, subject, receipt }))
  if (decision && entry) {
    const verdict = decision.allowed ? 'allowed' : 'denied'
    const risk = `risk ${decision.risk_score} (${decision.risk_level})`
    const before = replayed ? ', as recorded before' : ''
    print(oneLine(`${TITLE}: ${subject} is ${verdict}, ${risk}, log entry ${entry.id}${before}.`))
    if (entry.whyNoProof) {
      const what = `The decision is on the log, and its proof was not given: ${entry.whyNoProof}`
      print(annotation('warning', TITLE, what))
    }
  }
}

/**
 * A path that the runner gives.
 *
 * @param {string} variable
 */
function runnerFile(variable) {
  const path = env[variable]
  if (!path) throw new GateFailure(`${variable} is not set: run the gate as a step of a workflow.`)
  return path
}

/** @returns {Promise<boolean>} whether the job may go on */
async function main() {
  const token = readToken(env)
  if (token !== '') print(mask(token))
  /** @type {Gate} */
  const gate = { requestId: makeRequestId(env), subject: '' }
  let goesOn = false
  try {
    goesOn = await askTheGate(gate)
  } finally {
    tellResult(gate)
  }
  return goesOn
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  const isKnown = error instanceof GateFailure
  // A fault of the gate itself: its name and place help, its message may quote what was sent.
  const text = isKnown ? error.message : `The gate itself failed: ${nameAndPlace(error)}`
  print(annotation('error', TITLE, text))
  process.exitCode = 1
}

/** @param {unknown} error */
function nameAndPlace(error) {
  if (!(error instanceof Error)) return 'an unknown error'
  const place = /^ +at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? ''
  return `${error.name} ${place}`
}
