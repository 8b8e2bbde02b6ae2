import { GateFailure } from './failure.js'

/**
 * @typedef {object} Inputs
 * @property {string} url Address of the gateway, without a slash at its end.
 * @property {string} subject
 * @property {string} payload JSON text, or '' where `payloadFile` is given.
 * @property {string} payloadFile A path, or ''.
 * @property {string} aibomFile A path, or ''.
 * @property {'digest' | 'full'} record
 * @property {boolean} proof
 * @property {string} token '' for none.
 * @property {boolean} failOnDeny
 * @property {number} timeoutMs Retries included.
 */

/**
 * The token as the runner hands it over. Read alone and first, so that it is masked before anything else
 * can go wrong.
 *
 * @param {Record<string, string | undefined>} env
 * @returns {string} '' for none
 */
export function readToken(env) {
  return input(env, 'token')
}

/**
 * The inputs of action.yml, checked. A runner hands an input over in the environment as `INPUT_` and its
 * name in capitals, with defaults filled in and '' for what was not given.
 *
 * @param {Record<string, string | undefined>} env
 * @returns {Inputs}
 * @throws {GateFailure} naming the input and what it takes, never its value
 */
export function readInputs(env) {
  const inputs = {
    url: readUrl(needed(env, 'url', 'the address of the gateway, such as https://gov.example.org')),
    subject: needed(env, 'subject', 'what is decided about, such as fraud-detector@1.2.3'),
    payload: input(env, 'payload'),
    payloadFile: input(env, 'payload-file'),
    aibomFile: input(env, 'aibom-file'),
    record: readRecord(env),
    proof: readBoolean(env, 'proof'),
    token: readToken(env),
    failOnDeny: readBoolean(env, 'fail-on-deny'),
    timeoutMs: readSeconds(env, 'timeout-seconds', 600) * 1000,
  }
  if ((inputs.payload === '') === (inputs.payloadFile === '')) {
    throw new GateFailure(
      'Give exactly one of the inputs payload (a JSON object) and payload-file (the path of a file with one).',
    )
  }
  checkToken(inputs)
  return inputs
}

/** @param {{ token: string, url: string }} inputs */
function checkToken({ token, url }) {
  if (token === '') return
  // RFC 6750 §2.1. A line break in a header would be refused later, with a message that quotes it.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
    throw new GateFailure(
      'The input token holds characters that no bearer token has. Check the secret for spaces and quotes.',
    )
  }
  // RFC 6750 §5.3.
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new GateFailure(
      'A token is sent over https or to this machine alone. Give the input url as https://…, or leave token out.',
    )
  }
}

/**
 * @param {Record<string, string | undefined>} env
 * @param {string} name
 */
function input(env, name) {
  return (env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
}

/**
 * @param {Record<string, string | undefined>} env
 * @param {string} name
 * @param {string} what
 */
function needed(env, name, what) {
  const value = input(env, name)
  if (value === '') throw new GateFailure(`The input ${name} is missing: ${what}.`)
  return value
}

/** @param {string} text */
function readUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : null
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  ) {
    throw new GateFailure(
      'The input url must be http://… or https://… without user, query and fragment, such as https://gov.example.org.',
    )
  }
  // Not href, which keeps the mark of a query or fragment that is empty.
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

/**
 * @param {Record<string, string | undefined>} env
 * @returns {Inputs['record']}
 */
function readRecord(env) {
  const value = input(env, 'record')
  if (value === 'digest' || value === 'full') return value
  throw new GateFailure(
    'The input record must be digest, or full to put the payload on the log too.',
  )
}

/**
 * @param {Record<string, string | undefined>} env
 * @param {string} name
 */
function readBoolean(env, name) {
  const value = input(env, name).toLowerCase()
  if (value !== 'true' && value !== 'false') {
    throw new GateFailure(`The input ${name} must be true or false.`)
  }
  return value === 'true'
}

/**
 * @param {Record<string, string | undefined>} env
 * @param {string} name
 * @param {number} most
 */
function readSeconds(env, name, most) {
  const value = input(env, name)
  const seconds = /^[0-9]{1,4}$/.test(value) ? Number(value) : 0
  if (seconds < 1 || seconds > most) {
    throw new GateFailure(`The input ${name} must be a whole number of seconds from 1 to ${most}.`)
  }
  return seconds
}
