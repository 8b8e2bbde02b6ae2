import { hash, timingSafeEqual } from 'node:crypto'
import { ApiError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { type IdentityClaims, identityMac } from './identity.ts'
import { identityClaims, timeFault } from './identity-claims.ts'
import { ReplayMemory } from './identity-replays.ts'

/** How far ahead of ours the clock of a caller may be, in seconds. */
export const IDENTITY_LEEWAY = 5
/** The claims of a target of 4 KiB fit, also where JSON escapes each character of it. */
const MAX_LENGTH = 16_384
const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/
const MAX_VALUES = 64

/** Whose headers a service accepts. */
export interface Issuer {
  /** `iss` of its headers. */
  name: string
  key: Buffer
  /** Whether it may claim this; what concerns the request is checked anyway. */
  mayClaim: (claims: IdentityClaims) => boolean
}

/** The request that a header came with. */
export interface SignedRequest {
  /** Its `X-Request-ID`. */
  id: string
  method: string
  /** Path and query as they came. */
  target: string
}

export interface VerifierOptions {
  /** The service that verifies. */
  audience: string
  /** The one that signs most comes first. */
  issuers: readonly Issuer[]
  /** When it started, in seconds since the epoch. What was signed before, the process before may have seen. */
  startedAt: number
  seen?: ReplayMemory
}

/**
 * Verifies `X-MCP-Identity` (docs/FORMATS.md) in two steps, since the body comes after the header. Every
 * refusal is `unauthorized`; why, is in its cause, for the log: whoever sends a copy learns nothing by it.
 *
 * Time never runs back here: where the clock is set back it stands still until it is as late again, since what had
 * expired, and was forgotten, would count once more.
 */
export class IdentityVerifier {
  readonly #audience: string
  readonly #issuers: readonly Issuer[]
  readonly #startedAt: number
  readonly #seen: ReplayMemory
  #latest = 0

  constructor({ audience, issuers, startedAt, seen = new ReplayMemory() }: VerifierOptions) {
    this.#audience = audience
    this.#issuers = issuers
    this.#startedAt = Math.floor(startedAt)
    this.#seen = seen
  }

  /**
   * The claims of a header whose signature, form, time and request are right.
   *
   * @param header attacker-controlled
   * @param now seconds since the epoch
   * @throws ApiError `unauthorized`
   */
  verify(header: string, request: SignedRequest, now: number): IdentityClaims {
    const { claims, issuer } = this.#signed(header)
    const fault =
      requestFault(claims, request, this.#audience) ??
      timeFault(claims, this.#timeAt(now), IDENTITY_LEEWAY) ??
      (claims.iat < this.#startedAt ? 'it was signed before this service started' : null) ??
      (claims.iss === issuer.name && issuer.mayClaim(claims)
        ? null
        : 'its key does not sign for this iss, sub, svc and scopes')
    if (fault) throw refusal(fault)
    return claims
  }

  /**
   * The second step: the body is the one that was signed, and the header has not been here before. Nothing
   * happens between the two, so that of two copies at once one is refused.
   *
   * @param body as it came; empty where there is none
   * @param now seconds since the epoch
   * @throws ApiError `unauthorized`; `overloaded` where no more can be remembered
   */
  admit(claims: IdentityClaims, body: Uint8Array, now: number): void {
    if (claims.body !== hash('sha256', body)) throw refusal('it was signed for another body')
    const time = this.#timeAt(now)
    if (claims.exp <= time) throw refusal('it expired while its body arrived')
    const before = this.#seen.add(claims.jti, claims.exp, time)
    if (before === 'seen') throw refusal('it was used before: sign every attempt anew')
    if (before === 'full') throw new ApiError('overloaded')
  }

  #timeAt(now: number): number {
    this.#latest = Math.max(this.#latest, now)
    return this.#latest
  }

  /** Nothing is parsed that was not signed: the key is found by trying each of the few, and not by `iss`. */
  #signed(header: string): { claims: IdentityClaims; issuer: Issuer } {
    if (header.length > MAX_LENGTH || !FORM.test(header)) throw refusal()
    const dot = header.indexOf('.')
    const first = header.slice(0, dot)
    // As text: the last of 43 digits has bits that decoding drops, and there is one spelling alone.
    const given = Buffer.from(header.slice(dot + 1))
    const issuer = this.#issuers.find(({ key }) =>
      timingSafeEqual(Buffer.from(identityMac(first, key)), given),
    )
    if (!issuer) throw refusal()
    const claims = identityClaims(parsed(Buffer.from(first, 'base64url')))
    if (!claims) throw refusal('its claims are not of the known form')
    return { claims, issuer }
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return parseStrictJson(bytes, MAX_VALUES)
  } catch {
    return undefined
  }
}

function requestFault(claims: IdentityClaims, request: SignedRequest, audience: string) {
  if (claims.aud !== audience) return 'it was signed for another service'
  if (claims.m !== request.method) return 'it was signed for another method'
  if (claims.target !== request.target) return 'it was signed for another target'
  if (claims.rid !== request.id) return 'it was signed for another X-Request-ID'
  return claims.body === null ? 'this service takes no stream' : null
}

/**
 * The refusal of a call that does not say who calls, or not so that it counts: to whoever calls always the same.
 *
 * @param why for the log, unless it was not signed at all: of that there may be any number
 */
export function refusal(why?: string): ApiError {
  return new ApiError('unauthorized', undefined, {
    headers: { 'www-authenticate': 'MCP-Identity' },
    cause: why && new Error(`X-MCP-Identity is signed and not accepted: ${why}`),
  })
}
