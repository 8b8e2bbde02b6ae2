import { setTimeout as sleep } from 'node:timers/promises'
import { GateFailure } from './failure.js'

/** More than any answer has. Whoever sits at the other end decides how much is sent. */
const LARGEST_ANSWER = 16 * 1024 * 1024
const LONGEST_PAUSE_MS = 5_000

/**
 * @typedef {object} Call
 * @property {string} url
 * @property {string} body JSON text.
 * @property {string} token '' for none.
 * @property {string} requestId
 * @property {string} key The `Idempotency-Key`: under it the request is carried out once, however often it is sent.
 * @property {number} timeoutMs For all attempts together.
 */

/**
 * What a 200 says.
 *
 * @typedef {object} Answer
 * @property {string} text
 * @property {unknown} value The text, parsed.
 * @property {boolean} replayed Whether it was recorded before.
 */

/**
 * What became of one attempt.
 *
 * @typedef {object} Outcome
 * @property {number} status 0 when there was no complete answer.
 * @property {Answer} [answer] Of a 200.
 * @property {string} code The `code` of problem details, or ''.
 * @property {string} what A clause for people that completes "POST <url> …".
 * @property {number} retryAfterMs
 */

/** What only a person can mend. */
const LASTING = ['signing_key_missing', 'signer_state_missing', 'signer_refused']

/**
 * POSTs JSON and resolves with the answer of a 200. Repeats what may pass, with exponential back-off, full
 * jitter and the server's `Retry-After`, until the time is up; the key keeps the request from being carried out twice.
 *
 * @param {Call} call
 * @returns {Promise<Answer>}
 * @throws {GateFailure} for every other answer and for none
 */
export async function postJson(call) {
  const deadline = Date.now() + call.timeoutMs
  let isInDoubt = false
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await send(call, deadline - Date.now())
    if (outcome.answer) return outcome.answer
    // A later refusal says nothing about an attempt before it.
    isInDoubt ||= isUnknown(outcome)
    const backOffMs = Math.random() * Math.min(LONGEST_PAUSE_MS, 250 * 2 ** attempt)
    const pauseMs = Math.max(backOffMs, outcome.retryAfterMs)
    if (!mayRepeat(outcome) || Date.now() + pauseMs >= deadline) {
      const text = `${outcome.what}${advice(call, outcome)}${consequence(isInDoubt)}`
      throw new GateFailure(`POST ${call.url} ${text}`)
    }
    await sleep(pauseMs)
  }
}

/** @param {Outcome} outcome */
function mayRepeat({ status, code }) {
  return [0, 429, 502, 503, 504].includes(status) && !LASTING.includes(code)
}

/**
 * Whether the request may have been carried out. A 503 without a code is a proxy's, which says nothing about
 * what is behind it.
 *
 * @param {Outcome} outcome
 */
function isUnknown({ status, code }) {
  if (status === 503) return code === '' || code === 'outcome_unknown'
  return status < 400 || status >= 500
}

/**
 * What to do about credentials that do not count, or not for this, and about a log that proves nothing.
 *
 * @param {Call} call
 * @param {Outcome} outcome
 */
function advice({ token }, { status, code }) {
  if (status === 401) {
    return token === ''
      ? ' Give the input token: whoever runs the gateway makes a key with "aigov keys create".'
      : ' The input token does not count there: it may be mistyped, expired or revoked.'
  }
  if (code === 'insufficient_scope') {
    return ' The key of the input token needs the scope policy:evaluate.'
  }
  return LASTING.includes(code) ? ' With the input proof set to false none is asked for.' : ''
}

/** @param {boolean} isInDoubt */
function consequence(isInDoubt) {
  if (!isInDoubt) return ' Nothing is recorded, and so nothing is allowed.'
  return (
    ' Whether the decision is on the log is not known, and so nothing is allowed.' +
    ' Run the job again: the gate then answers what it has recorded for this run, if it has.'
  )
}

/**
 * @param {Call} call
 * @param {number} timeoutMs
 * @returns {Promise<Outcome>}
 */
async function send({ url, body, token, requestId, key }, timeoutMs) {
  const headers = {
    'content-type': 'application/json',
    'x-request-id': requestId,
    'idempotency-key': key,
    ...(token !== '' && { authorization: `Bearer ${token}` }),
  }
  // A redirect is an error like any other: followed, it would carry the payload and the token elsewhere.
  /** @type {RequestInit} */
  const request = { method: 'POST', headers, body, redirect: 'manual' }
  try {
    const signal = AbortSignal.timeout(Math.max(timeoutMs, 1))
    const response = await fetch(url, { ...request, signal })
    return readOutcome(response, await readText(response))
  } catch (error) {
    return { status: 0, code: '', what: `${whyNot(error)}.`, retryAfterMs: 0 }
  }
}

/**
 * @param {Response} response
 * @param {string} text
 * @returns {Outcome}
 */
function readOutcome({ status, headers }, text) {
  const value = parse(text)
  if (status === 200) {
    const replayed = headers.get('idempotency-replayed') === 'true'
    return { status, answer: { text, value, replayed }, code: '', what: '', retryAfterMs: 0 }
  }
  const retryAfter = headers.get('retry-after') ?? ''
  const retryAfterMs = /^[0-9]{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0
  const { code, what } = readProblem(value)
  return { status, code, what: `was answered ${status}${what}.`, retryAfterMs }
}

/**
 * Problem details (RFC 9457) in a clause. They are the server's words: escape before printing.
 *
 * @param {unknown} answer
 */
function readProblem(answer) {
  const { code, detail, errors } = /** @type {Record<string, unknown>} */ (answer ?? {})
  if (typeof code !== 'string') return { code: '', what: '' }
  const items = (Array.isArray(errors) ? errors : [])
    .slice(0, 5)
    .map((item) => `${item?.path}: ${item?.message}`)
  const said = typeof detail === 'string' ? [detail, ...items] : items
  // Short, so that the sentence about the consequence, which follows, is never the part that is cut off.
  return { code, what: ` ${code.slice(0, 100)} (${said.join('; ').slice(0, 400)})` }
}

/**
 * @param {string} text
 * @returns {unknown} undefined for what is not JSON
 */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The whole answer, or what fits: an answer that was cut off is not JSON, and says nothing to anybody.
 *
 * @param {Response} response
 */
async function readText(response) {
  const chunks = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > LARGEST_ANSWER) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Why there was no answer, as a clause. Messages of the HTTP client stay out of it: they may quote what was
 * sent.
 *
 * @param {unknown} error
 */
function whyNot(error) {
  if (!(error instanceof Error)) return 'had no answer'
  if (error.name === 'TimeoutError') return 'had no answer in time'
  const { code } = /** @type {NodeJS.ErrnoException} */ (error.cause ?? {})
  return `had no answer${code ? ` (${code})` : ''}: is the gateway running, and does this runner reach it`
}
