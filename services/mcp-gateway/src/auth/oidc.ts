import { SCOPES, type Scope } from '@ai-governance/common/callers/scopes'
import { ApiError } from '@ai-governance/common/errors'
import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import type { Authenticator, Denial, Verdict } from './authenticator.ts'
import type { IssuerKeys } from './issuer.ts'

/** How far our clock and that of the issuer may be apart, in seconds. */
const OIDC_LEEWAY = 30
/** Longer ones do not fit a header of 16 KiB with anything beside them. */
const MAX_TOKEN = 8_192
/** Types of a token that stands for a caller (RFC 9068 §2.1; many issuers still say JWT, or nothing). */
const TYPES = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt'])
/** An actor goes into entries for good: visible ASCII, as issuers use (OpenID Connect Core §2). */
const SUBJECT = /^[\x21-\x7e]{1,255}$/

export interface OidcRules {
  issuer: string
  audience: string
  algorithms: readonly string[]
  /** The claim that lists scopes, as one text with spaces or as a list. */
  scopesClaim: string
}

/** Access tokens of one issuer (RFC 9068, RFC 7519), judged by what is configured and nothing in the token. */
export class OidcTokens implements Authenticator {
  readonly #rules: OidcRules
  readonly #keys: IssuerKeys

  constructor(rules: OidcRules, keys: IssuerKeys) {
    this.#rules = rules
    this.#keys = keys
  }

  async authenticate(token: string): Promise<Verdict> {
    if (token.length > MAX_TOKEN || token.split('.').length !== 3) return 'malformed'
    const { issuer, audience, algorithms } = this.#rules
    const options = {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: OIDC_LEEWAY,
      requiredClaims: ['exp', 'sub'],
    }
    try {
      const find = (header: { kid?: string; alg?: string }) => this.#keys.find(header)
      const verified = await jwtVerify<JWTPayload>(token, find, options)
      return this.#callerOf(verified)
    } catch (error) {
      if (error instanceof ApiError) throw error
      return denialOf(error)
    }
  }

  missing(): string[] {
    return this.#keys.isReady ? [] : ['oidc_issuer']
  }

  stop(): Promise<void> {
    return this.#keys.stop()
  }

  #callerOf({ payload, protectedHeader }: JWTVerifyResult): Verdict {
    const { sub, cnf } = payload
    if (!TYPES.has(protectedHeader.typ?.toLowerCase())) return 'wrong_claims'
    // A token that is bound to a key of its holder counts with a proof of it alone (RFC 7800, RFC 9449).
    if (cnf !== undefined || typeof sub !== 'string' || !SUBJECT.test(sub)) return 'wrong_claims'
    return { actor: `oidc:${sub}`, scopes: scopesIn(payload[this.#rules.scopesClaim]) }
  }
}

/** Of what a token lists, the scopes that there are here. */
function scopesIn(claim: unknown): readonly Scope[] {
  const listed: unknown[] = typeof claim === 'string' ? claim.split(' ') : []
  const all = Array.isArray(claim) ? claim : listed
  return SCOPES.filter((scope) => all.includes(scope))
}

function denialOf(error: unknown): Denial {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'wrong_algorithm'
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? 'wrong_claims'
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return 'wrong_signature'
  }
  return 'malformed'
}

const CLAIMS: Readonly<Record<string, Denial>> = {
  iss: 'wrong_issuer',
  aud: 'wrong_audience',
  nbf: 'not_yet_valid',
}
