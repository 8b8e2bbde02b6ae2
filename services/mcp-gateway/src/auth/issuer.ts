import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import { isTrustworthyUrl } from '@ai-governance/common/callers/caller-variables'
import { ApiError } from '@ai-governance/common/errors'
import type { FastifyBaseLogger } from 'fastify'
import { type CryptoKey, createLocalJWKSet, errors, type JWTHeaderParameters } from 'jose'
import { Agent, request } from 'undici'
import { z } from 'zod'

/** Times in ms. */
export interface IssuerTimes {
  /** A key that the issuer has taken back is gone after this. */
  refresh: number
  /** Between two attempts while there are no keys. */
  retry: number
  /** Between two questions because of a token whose key is not known: those cost its sender nothing. */
  cooldown: number
  /** For so long keys count while the issuer is away. */
  stale: number
  /** One answer of the issuer. */
  answer: number
}

const ISSUER_TIMES: IssuerTimes = {
  refresh: 300_000,
  retry: 2_000,
  cooldown: 10_000,
  stale: 3_600_000,
  answer: 5_000,
}

const MAX_ANSWER_BYTES = 1_048_576

/** OpenID Connect Discovery 1.0 §3. */
const Discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.string() })
/** RFC 7517 §5; what is in a key is for jose to judge. */
const KeySet = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string() })).max(100),
})

type FindKey = ReturnType<typeof createLocalJWKSet>

/**
 * The public keys of one issuer, found through its discovery document and asked for again and again. The gateway
 * starts without them: while there are none, no token can be judged. No redirect is followed, no proxy
 * variable counts, and no header of a token leads anywhere.
 */
export class IssuerKeys {
  readonly #issuer: string
  readonly #log: FastifyBaseLogger
  readonly #times: IssuerTimes
  readonly #agent: Agent
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #find: FindKey | null = null
  /** When the keys were last asked for, and last came, on the clock of `performance`. */
  #askedAt = Number.NEGATIVE_INFINITY
  #cameAt = Number.NEGATIVE_INFINITY
  /** The question that is under way. */
  #asking: Promise<void> | null = null
  #fault = ''

  /**
   * Asks at once, and goes on asking until it is stopped.
   *
   * @param options `trust` in certificates, else that of Node; `times` differ from the usual ones in tests alone
   */
  constructor(
    issuer: string,
    log: FastifyBaseLogger,
    options: { trust?: SecureContext | undefined; times?: IssuerTimes | undefined } = {},
  ) {
    const { trust, times = ISSUER_TIMES } = options
    this.#issuer = issuer
    this.#log = log
    this.#times = times
    const connect = { timeout: 2_000, ...(trust && { secureContext: trust }) }
    this.#agent = new Agent({ maxResponseSize: MAX_ANSWER_BYTES, connect })
    this.#running = this.#run()
  }

  get isReady(): boolean {
    return this.#find !== null && performance.now() - this.#cameAt < this.#times.stale
  }

  /**
   * The key that a token says it was signed with. One that is not known may be new: the issuer is asked again, but
   * not more often than every `cooldown`.
   *
   * @throws ApiError `not_ready` while there are no keys; JWKSNoMatchingKey of jose
   */
  async find(header: { kid?: string; alg?: string }): Promise<CryptoKey> {
    if (!this.isReady || !this.#find) throw new ApiError('not_ready', NOT_READY)
    try {
      return await this.#find(header as JWTHeaderParameters)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (!this.#asking && performance.now() - this.#askedAt < this.#times.cooldown) throw error
      await this.#ask()
      return this.#find(header as JWTHeaderParameters)
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#agent.destroy()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#ask()
      const pause = this.#fault === '' ? this.#times.refresh : this.#times.retry
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** Never rejects: what went wrong is in the log, once. */
  #ask(): Promise<void> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #load(): Promise<void> {
    this.#askedAt = performance.now()
    try {
      const document = Discovery.parse(await this.#get(discoveryUrl(this.#issuer)))
      if (document.issuer !== this.#issuer) throw new Error('its discovery names another issuer')
      if (!isTrustworthyUrl(document.jwks_uri)) throw new Error('its jwks_uri is not https')
      this.#find = createLocalJWKSet(KeySet.parse(await this.#get(document.jwks_uri)))
      this.#cameAt = performance.now()
      if (this.#fault !== '') this.#log.info('the keys of OIDC_ISSUER are there')
      this.#fault = ''
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const fault = faultOf(error)
      if (fault !== this.#fault) this.#log.error({ fault }, 'OIDC_ISSUER gives no keys')
      this.#fault = fault
    }
  }

  async #get(url: string): Promise<unknown> {
    const within = AbortSignal.timeout(this.#times.answer)
    const signal = AbortSignal.any([within, this.#stopping.signal])
    const headers = { accept: 'application/json' }
    const { statusCode, body } = await request(url, { dispatcher: this.#agent, headers, signal })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${url} answers ${statusCode}`)
    return JSON.parse(text)
  }
}

/** An authority that Node does not know, in the words of OpenSSL. */
const UNKNOWN_AUTHORITY = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** For whoever runs the gateway. Of several addresses that fail, the error has a code and no message. */
function faultOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const fault = message || code || String(error)
  return code !== undefined && UNKNOWN_AUTHORITY.has(code)
    ? `${fault}: if its certificate is of an authority of your own, name that in OIDC_CA_PATH`
    : fault
}

const NOT_READY = 'The issuer of tokens has not been reachable, so that none can be checked'

/** OpenID Connect Discovery 1.0 §4.1. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}
