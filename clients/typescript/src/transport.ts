import { errorOf } from './answer.ts'
import { toHex } from './bytes.ts'
import { Credentials, type Token } from './credentials.ts'
import { Deadline } from './deadline.ts'
import { GovernanceError } from './errors.ts'
import type { JsonValue } from './json.ts'
import { type Effect, mayRetry, waitBefore } from './retry.ts'

/** What every method of the client takes as its last argument. */
export interface CallOptions {
  /** Ends the call with the code `aborted`. */
  signal?: AbortSignal | undefined
  /** Time for the whole call, retries and their waits included. Default: that of the client. */
  timeoutMs?: number | undefined
  /** What the call is called in the logs: 1–64 characters of `A-Za-z0-9._-`. Default: a random one. */
  requestId?: string | undefined
}

/** What methods take that change something once: see `Idempotency-Key` in docs/API.md. */
export interface KeyedOptions extends CallOptions {
  /** 1–200 visible ASCII characters. Default: a random one for each call, which all its attempts share. */
  idempotencyKey?: string | undefined
}

export interface ClientOptions {
  /** Where the gateway is, such as `http://127.0.0.1:8080`. */
  baseUrl: string
  /** Instead of the platform's own `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
  /** Time for each call in ms, retries included. Default 30,000. */
  timeoutMs?: number | undefined
  /** How often a call is sent again at most, where that is safe. Default 3. */
  retries?: number | undefined
  /** Sent with each call. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Names each call that is not given a name. Default: 32 random hex digits. */
  requestId?: (() => string) | undefined
  /**
   * Sent as `Authorization: Bearer …`, to the gateway alone: a text, or a function that is asked before each attempt
   * and may take its time, such as one that refreshes a token of OpenID Connect.
   */
  token?: Token | undefined
  /**
   * Whether credentials may travel over http:// to another machine, where whoever listens on the way can take them.
   * Default false.
   */
  allowInsecure?: boolean | undefined
  /**
   * Verifier key of the log: checkpoints and the proofs of entries that it did not sign are then `invalid_answer`.
   */
  auditKey?: string | undefined
}

/** A value of a query; one that is undefined is left out. */
export type QueryValue = string | number | boolean | undefined

export interface Call {
  method: 'GET' | 'POST'
  /** Path at the gateway, each part encoded. */
  path: string
  query?: Readonly<Record<string, QueryValue>> | undefined
  body?: JsonValue | undefined
  effect: Effect
  /** Where the effect is `keyed`: what the caller calls it; else a random key is made. */
  idempotencyKey?: string | undefined
  /** False where an error is an answer, as with readiness. Default true. */
  retried?: boolean
}

/** A call as fetch takes it, but for the credentials, which each attempt has anew. */
interface Prepared {
  url: string
  init: Omit<RequestInit, 'headers'> & { headers: Record<string, string> }
}

/** Errors of Node that say that no connection was made: nothing can have been carried out. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/

/** Sends calls to one gateway: each until it succeeds, may not be sent again, or its time is over. */
export class Transport {
  readonly #base: string
  readonly #fetch: typeof globalThis.fetch
  readonly #retries: number
  readonly #headers: Readonly<Record<string, string>>
  readonly #credentials: Credentials
  /** Makes the name of a call that its caller gives none. */
  readonly makeRequestId: () => string
  readonly timeoutMs: number

  constructor(options: ClientOptions) {
    this.#base = baseOf(options.baseUrl)
    const given = options.fetch
    // Called as a function of ours, the browser's own would say "Illegal invocation".
    this.#fetch = given ? (...args) => given(...args) : (...args) => globalThis.fetch(...args)
    this.timeoutMs = checkedTimeout(options.timeoutMs) ?? 30_000
    this.#retries = options.retries ?? 3
    if (!Number.isInteger(this.#retries) || this.#retries < 0) {
      throw new GovernanceError('invalid_argument', 'retries must be a whole number from 0 on.')
    }
    this.#headers = { ...options.headers }
    checkHeaders(this.#headers)
    this.#credentials = new Credentials({ ...options, baseUrl: this.#base })
    this.makeRequestId = options.requestId ?? randomId
  }

  /**
   * Makes a call and has `read` read the answer, which is always one of status 200. The time that
   * reading takes counts. Throws {@link GovernanceError}.
   */
  async call<T>(
    call: Call,
    options: CallOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const deadline = new Deadline(
      options.signal,
      checkedTimeout(options.timeoutMs) ?? this.timeoutMs,
    )
    try {
      return await this.attempt(call, options, deadline, read)
    } finally {
      deadline.clear()
    }
  }

  /** Like `call`, under a deadline that the caller made and clears. */
  async attempt<T>(
    call: Call,
    options: CallOptions,
    deadline: Deadline,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const id = checkedRequestId(options.requestId ?? this.makeRequestId())
    const key = call.effect === 'keyed' ? checkedKey(call.idempotencyKey ?? randomId()) : null
    const retries = call.retried === false ? 0 : this.#retries
    const request = this.#request(call, id, key)
    // Whether an attempt may have been carried out. Until then each answer said that nothing was changed.
    let isOpen = false
    const failed = (error: GovernanceError) => (key === null ? error : error.under(key, isOpen))
    for (let attempt = 0; ; attempt++) {
      const over = deadline.fault(id, false)
      if (over) throw failed(over)
      const outcome = await this.#once(request, call.effect, id, deadline, read)
      if ('value' in outcome) return outcome.value
      const { error } = outcome
      isOpen ||= error.outcomeUnknown
      if (attempt >= retries || !mayRetry(error, call.effect)) throw failed(error)
      const wait = waitBefore(attempt, error.retryAfter, Math.random())
      if (!deadline.allows(wait)) throw failed(error)
      await deadline.wait(wait)
    }
  }

  #request(call: Call, id: string, key: string | null): Prepared {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value))
    }
    const search = query.size > 0 ? `?${query}` : ''
    const headers = {
      ...this.#headers,
      'x-request-id': id,
      ...(key !== null && { 'idempotency-key': key }),
    }
    // A redirect is never followed: it would repeat a change, or carry the token elsewhere.
    const init = { method: call.method, headers, redirect: 'manual' } as const
    const url = this.#base + call.path + search
    if (call.body === undefined) return { url, init }
    const body = { 'content-type': 'application/json' }
    return {
      url,
      init: { ...init, headers: { ...headers, ...body }, body: bodyText(call.body) },
    }
  }

  async #once<T>(
    { url, init }: Prepared,
    effect: Effect,
    id: string,
    deadline: Deadline,
    read: (response: Response) => Promise<T>,
  ): Promise<{ value: T } | { error: GovernanceError }> {
    let status: number | undefined
    const credentials = await this.#credentials.headers(deadline.signal)
    if (credentials instanceof GovernanceError) {
      return { error: deadline.fault(id, false) ?? credentials }
    }
    try {
      const headers = { ...init.headers, ...credentials }
      const response = await this.#fetch(url, { ...init, headers, signal: deadline.signal })
      status = response.status
      if (status === 200) return { value: await read(response) }
      return { error: this.#credentials.advised(await errorOf(response, id, effect)) }
    } catch (cause) {
      const outcomeUnknown = effect !== 'reads' && !NOT_CONNECTED.has(reasonOf(cause))
      const over = deadline.fault(id, outcomeUnknown)
      if (over) return { error: over }
      const known = cause instanceof GovernanceError ? cause : null
      const code = known?.code ?? 'connection'
      const detail =
        known?.detail ??
        (status === undefined
          ? `no answer from ${this.#base} (${reasonOf(cause)}).`
          : `the connection to ${this.#base} was lost in the middle of the answer.`)
      const facts = { status, requestId: id, outcomeUnknown, cause: known?.cause ?? cause }
      return { error: new GovernanceError(code, detail, facts) }
    }
  }
}

/** What a failed fetch says of its reason: in Node the code of the system error, in a browser its text. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return cause instanceof Error ? cause.message : String(cause)
}

/** The address without a slash at its end, for paths to be put behind it. */
function baseOf(text: string): string {
  const refuse = (detail: string): never => {
    throw new GovernanceError('invalid_argument', detail)
  }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    return refuse('baseUrl must be the address of the gateway, such as http://127.0.0.1:8080.')
  }
  // None of these sentences repeats the address: it may hold a password.
  if (url.username || url.password) {
    return refuse('baseUrl must not hold a user or a password: give a token instead.')
  }
  if (url.search || url.hash) return refuse('baseUrl must not hold a query or a fragment.')
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  try {
    new Headers(headers)
  } catch {
    // Without its cause, which would quote the value: it may be a credential.
    const detail = 'headers hold a character that no header can carry.'
    throw new GovernanceError('invalid_argument', detail)
  }
}

function checkedTimeout(ms: number | undefined): number | undefined {
  if (ms === undefined || ms > 0) return ms
  throw new GovernanceError('invalid_argument', 'timeoutMs must be more than 0.')
}

function checkedRequestId(id: string): string {
  if (REQUEST_ID.test(id)) return id
  const detail = 'requestId must be 1 to 64 characters of A-Za-z0-9._-'
  throw new GovernanceError('invalid_argument', detail)
}

function checkedKey(key: string): string {
  if (IDEMPOTENCY_KEY.test(key)) return key
  const detail = 'idempotencyKey must be 1 to 200 visible ASCII characters.'
  throw new GovernanceError('invalid_argument', detail)
}

function bodyText(body: JsonValue): string {
  try {
    return JSON.stringify(body)
  } catch (cause) {
    throw new GovernanceError('invalid_argument', 'the body is not JSON.', { cause })
  }
}

/** `crypto.randomUUID` is missing on pages that were not loaded over TLS. */
function randomId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)))
}
