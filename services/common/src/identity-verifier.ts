import { hash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { sha256Text } from './answers.ts'
import { ApiError } from './errors.ts'
import { text } from './fields.ts'
import { IDENTITY_LIFETIME, type IdentityClaims, identityMac } from './identity.ts'
import { ReplayMemory } from './identity-replays.ts'
import { REQUEST_ID } from './request-id.ts'
import { parseStrictJson } from './strict-json.ts'

/** How far ahead of ours the clock of a caller may be, in seconds. */
export const IDENTITY_LEEWAY = 5
/** The claims of a target of 4 KiB fit. */
const MAX_LENGTH = 8_192
const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/
const MAX_VALUES = 64

const Claims = z.strictObject({
  v: z.literal(1),
  iss: text(100),
  sub: text(600),
  svc: text(600).nullable(),
  scopes: z.array(text(100)).max(32),
  aud: text(100),
  rid: z.string().regex(REQUEST_ID),
  m: text(20),
  target: text(4_096),
  body: sha256Text.nullable(),
  iat: z.int().min(0),
  exp: z.int().min(0),
  jti: z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/),
})

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

/**
 * Verifies `X-MCP-Identity` (docs/FORMATS.md) in two steps, since the body comes after the header. Every
 * refusal is `invalid_identity`; why, is said to those alone who have the key.
 */
export class IdentityVerifier {
  readonly #audience: string
  readonly #issuers: readonly Issuer[]
  readonly #seen: ReplayMemory

  /** @param audience the service that verifies */
  constructor(audience: string, issuers: readonly Issuer[], seen = new ReplayMemory()) {
    this.#audience = audience
    this.#issuers = issuers
    this.#seen = seen
  }

  /**
   * The claims of a header whose signature, form, time and request are right.
   *
   * @param header attacker-controlled
   * @param now seconds since the epoch
   * @throws ApiError `invalid_identity`
   */
  verify(header: string, request: SignedRequest, now: number): IdentityClaims {
    const { claims, issuer } = this.#signed(header)
    const fault =
      requestFault(claims, request, this.#audience) ??
      timeFault(claims, now) ??
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
   * @throws ApiError `invalid_identity`; `overloaded` where no more can be remembered
   */
  admit(claims: IdentityClaims, body: Uint8Array, now: number): void {
    if (claims.body !== hash('sha256', body)) throw refusal('it was signed for another body')
    if (claims.exp <= now) throw refusal('it has expired')
    const before = this.#seen.add(claims.jti, now)
    if (before === 'seen') throw refusal('it was used before: sign every attempt anew')
    if (before === 'full') throw new ApiError('overloaded')
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
    const result = Claims.safeParse(parsed(Buffer.from(first, 'base64url')))
    if (!result.success) throw refusal('it is signed, and its claims are not of the known form')
    return { claims: result.data, issuer }
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

function timeFault({ iat, exp }: IdentityClaims, now: number): string | null {
  if (exp <= iat || exp - iat > IDENTITY_LIFETIME) {
    return `it must count for 1 to ${IDENTITY_LIFETIME} seconds`
  }
  if (iat > now + IDENTITY_LEEWAY) return 'it was signed in the future: compare the clocks'
  return exp <= now ? 'it has expired: compare the clocks' : null
}

function refusal(why?: string): ApiError {
  return new ApiError('invalid_identity', why && `X-MCP-Identity is not accepted: ${why}.`, {
    headers: { 'www-authenticate': 'MCP-Identity' },
  })
}
