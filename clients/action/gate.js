// The step that action.yml runs: decide, record, tell. Exit codes: 0 to go on, 1 for everything else.
import { randomBytes, randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { readDecision, readEntry } from './answers.js'
import { annotation, mask, oneLine, outputLines } from './commands.js'
import { logEvent } from './event.js'
import { GateFailure } from './failure.js'
import { postJson } from './gateway.js'
import { readInputs, readToken } from './inputs.js'
import { readTextFile, validateBody } from './payload.js'
import { MOST_REASONS, summary } from './summary.js'

/**
 * What is known so far; whatever happens, this is told in the end.
 *
 * @typedef {object} Gate
 * @property {string} requestId
 * @property {string} subject
 * @property {import('./answers.js').Decision} [decision]
 * @property {import('./answers.js').Entry} [entry]
 */

const TITLE = 'Governance gate'
const { env } = process

/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`)

/** Bytes of a request id: 1–64 of `A-Za-z0-9._-`. */
const makeRequestId = () => `gate-${randomUUID()}`

/**
 * Decides and records. Fills in `gate` as it goes, so that a failure half-way tells what was reached.
 *
 * @param {Gate} gate
 * @returns {Promise<boolean>} whether the job may go on
 */
async function decideAndRecord(gate) {
  const inputs = readInputs(env)
  const { url, token, timeoutMs, failOnDeny } = inputs
  gate.subject = inputs.subject
  const payload = inputs.payload || readTextFile(inputs.payloadFile, 'payload-file')
  const aibom = inputs.aibomFile && readTextFile(inputs.aibomFile, 'aibom-file')
  const call = { token, timeoutMs, requestId: gate.requestId }

  const answer = await postJson({
    ...call,
    url: `${url}/mcp-policy/validate`,
    body: validateBody(payload, aibom),
    changesNothing: true,
  })
  const decision = readDecision(answer)
  gate.decision = decision
  tellReasons(decision, failOnDeny)

  const event = logEvent(decision, inputs, env)
  const entry = await postJson({
    ...call,
    url: `${url}/mcp-audit/log`,
    body: JSON.stringify(event),
    changesNothing: false,
  })
  gate.entry = readEntry(entry, event)
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
function tellResult({ requestId, subject, decision, entry }) {
  const isAllowed = decision?.allowed === true && entry !== undefined
  const outputs = {
    allowed: String(isAllowed),
    'decision-id': decision?.decision_id ?? '',
    'risk-score': decision ? String(decision.risk_score) : '',
    'risk-level': decision?.risk_level ?? '',
    'policy-digest': decision?.policy.digest ?? '',
    'input-digest': decision?.input_digest ?? '',
    'entry-id': entry ? String(entry.id) : '',
    'entry-hash': entry?.entry_hash ?? '',
    'request-id': requestId,
  }
  const makeDelimiter = () => `gate_${randomBytes(16).toString('hex')}`
  appendTo('GITHUB_OUTPUT', outputLines(outputs, makeDelimiter))
  appendTo('GITHUB_STEP_SUMMARY', summary({ requestId, subject, decision, entry }))
  if (decision && entry) {
    const verdict = isAllowed ? 'allowed' : 'denied'
    const risk = `risk ${decision.risk_score} (${decision.risk_level})`
    print(oneLine(`Governance gate: ${subject} is ${verdict}, ${risk}, log entry ${entry.id}.`))
  }
}

/**
 * @param {string} variable
 * @param {string} text
 */
function appendTo(variable, text) {
  const file = env[variable]
  if (!file) throw new GateFailure(`${variable} is not set: run the gate as a step of a workflow.`)
  appendFileSync(file, text)
}

/** @returns {Promise<boolean>} whether the job may go on */
async function main() {
  const token = readToken(env)
  if (token !== '') print(mask(token))
  /** @type {Gate} */
  const gate = { requestId: makeRequestId(), subject: '' }
  let goesOn = false
  try {
    goesOn = await decideAndRecord(gate)
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
