import { GovernanceError } from './errors.ts'

/** A credential as text, or what gives the one that counts now: it is asked before each attempt. */
export type Token = string | (() => string | Promise<string>)

export interface CredentialOptions {
  /** The address of the gateway, already checked. */
  baseUrl: string
  token?: Token | undefined
  headers?: Readonly<Record<string, string>> | undefined
  allowInsecure?: boolean | undefined
}

/** RFC 6750 §2.1, and far below what fits into a head of 16 KiB. No `RegExp` quantifier is nested. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/
const MOST_CHARACTERS = 8_192

/**
 * What a gateway is shown of its caller. Tokens are in no error of this class: they would be printed with it.
 */
export class Credentials {
  readonly #token: Token | undefined

  /** Throws `invalid_argument` for a token that cannot be right, or whose way to the gateway is open to others. */
  constructor({ baseUrl, token, headers, allowInsecure }: CredentialOptions) {
    const hasHeader = Object.keys(headers ?? {}).some((name) => /^authorization$/i.test(name))
    if (token !== undefined && hasHeader) {
      throw invalid('give a token or a header authorization, not both.')
    }
    if (typeof token === 'string') checkToken(token)
    if ((token !== undefined || hasHeader) && !allowInsecure && isOpenToOthers(new URL(baseUrl))) {
      throw invalid(
        'credentials travel over https or to this machine alone: give the address as https://…, or ' +
          'allowInsecure (AIGOV_ALLOW_INSECURE=true) where nobody else can listen on the way.',
      )
    }
    this.#token = token
  }

  /** The headers of one attempt; an error where there is no token to be had. `signal` ends the waiting for it. */
  async headers(signal: AbortSignal): Promise<Readonly<Record<string, string>> | GovernanceError> {
    const token = this.#token
    if (token === undefined) return {}
    if (typeof token === 'string') return bearer(token)
    try {
      const given = await endedBy(signal, token)
      checkToken(given)
      return bearer(given)
    } catch (cause) {
      const why = cause instanceof GovernanceError ? cause.detail : 'see its cause.'
      const detail = `the function that gives the token failed, and nothing was sent: ${why}`
      return new GovernanceError('token_unavailable', detail, { cause })
    }
  }

  /** The same error, and what to do about it where the gateway takes the caller for nobody. */
  advised(error: GovernanceError): GovernanceError {
    if (error.code !== 'unauthorized') return error
    const advice =
      this.#token === undefined
        ? 'No token was sent: whoever runs the gateway makes one with "aigov keys create".'
        : 'The token that was sent does not count here: it may be mistyped, expired or revoked. ' +
          'Whoever runs the gateway makes a new one with "aigov keys create".'
    const { status, requestId, errors, retryAfter, outcomeUnknown, cause } = error
    const facts = { status, requestId, errors, retryAfter, outcomeUnknown, cause }
    return new GovernanceError(error.code, `${sentence(error.detail)} ${advice}`, facts)
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)

function invalid(detail: string): GovernanceError {
  return new GovernanceError('invalid_argument', detail)
}

/** Throws `invalid_argument`, which says what is wrong and never what was given. */
function checkToken(token: unknown): asserts token is string {
  if (typeof token === 'string' && token.length <= MOST_CHARACTERS && BEARER.test(token)) return
  throw invalid(
    `a token is 1 to ${MOST_CHARACTERS} characters of A-Za-z0-9._~+/- (and = at its end): look for spaces, quotes and line breaks.`,
  )
}

/** Whether others can read what travels to this address (RFC 6750 §5.3). */
function isOpenToOthers({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return false
  return !(
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/** What `work` gives, or a rejection as soon as the signal comes. */
function endedBy<T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(new Error('the call ended'))
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    Promise.resolve()
      .then(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop))
  })
}
