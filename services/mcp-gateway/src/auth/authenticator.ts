import type { Caller } from './caller.ts'

/** Why a caller was refused, as log, metrics and `auth.denied` entries say it; the caller is not told. */
export const DENIALS = [
  /** No `Authorization` at all. */
  'missing',
  /** Not `Bearer` with a token of the form that counts here. */
  'malformed',
  /** A key that is not in the file, or one whose secret is another. */
  'unknown',
  'revoked',
  'expired',
  /** Tokens of an issuer: its signature, algorithm, type, issuer, audience, and what else it must say. */
  'wrong_signature',
  'wrong_algorithm',
  'wrong_issuer',
  'wrong_audience',
  'not_yet_valid',
  'wrong_claims',
  /** Right credentials, but not for this. */
  'missing_scope',
] as const
export type Denial = (typeof DENIALS)[number]

/** What became of a token. */
export type Verdict = Caller | Denial

/** Tells who a token stands for. */
export interface Authenticator {
  /**
   * @param token attacker-controlled: visible ASCII
   * @throws ApiError `not_ready` where nothing can be said of any token
   */
  authenticate(token: string): Verdict | Promise<Verdict>
  /** What it cannot work without and does not have, for `/readyz`. */
  missing(): string[]
  stop(): Promise<void>
}

/** RFC 6750 §2.1 and nothing else: the scheme in any case, one space, the token. */
const BEARER = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i

/**
 * The token in an `Authorization` header, or what is wrong with it.
 *
 * @param value attacker-controlled
 */
export function bearerToken(value: string | undefined): { token: string } | Denial {
  if (value === undefined) return 'missing'
  const token = BEARER.exec(value)?.[1]
  return token === undefined ? 'malformed' : { token }
}
