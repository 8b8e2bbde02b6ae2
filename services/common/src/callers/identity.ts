import { createHmac, hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EnvironmentError, unreadable } from '../environment.ts'
import { randomText } from '../random-bytes.ts'

/** The header in which one service tells another on whose behalf it calls, docs/FORMATS.md. */
export const IDENTITY_HEADER = 'x-mcp-identity'

/** The longest time between `iat` and `exp`, in seconds. */
export const IDENTITY_LIFETIME = 60

/**
 * For how long a call counts that the gateway passes on, in seconds: it may wait 10 s for a connection, and 20 s is
 * more than two clocks should differ by. Services remember each for so long, so it is no longer than it has to be.
 */
export const FORWARDED_LIFETIME = 30

/** What a header says of the one request that it goes with. */
export interface IdentityClaims {
  v: 1
  /** The service that signed, by whose key. */
  iss: string
  /** On whose behalf: the actor of what the request writes. */
  sub: string
  /** `service:<iss>` where a service speaks for itself, null where it passes a call on. */
  svc: string | null
  scopes: readonly string[]
  /** The service that is called. */
  aud: string
  /** The `X-Request-ID` of the request. */
  rid: string
  m: string
  /** Path and query as they are sent. */
  target: string
  /** SHA-256 in hex of the body as it is sent, of nothing where there is none; null for a stream. */
  body: string | null
  /** When it was signed and until when it counts, in seconds since the epoch. */
  iat: number
  exp: number
  /** 16 random bytes in base64url: a header counts once. */
  jti: string
}

/** What {@link callClaims} needs to know of a request. */
export interface ServiceCall {
  /** Who calls and who is called, such as `mcp-policy` and `mcp-audit`. */
  from: string
  to: string
  scopes: readonly string[]
  /** Goes out as `X-Request-ID` too. */
  requestId: string
  method: string
  /** Path and query as they are sent. */
  target: string
  /** The body as it is sent; empty where there is none. */
  body: string | Uint8Array
}

/** In whose name a call is made, and for how many seconds its header counts. */
export interface Speaker {
  sub: string
  svc: string | null
  lifetime: number
}

/**
 * The claims of a call. Made anew for every attempt: a header counts once.
 *
 * @param now seconds since the epoch
 */
export function callClaims(
  call: ServiceCall,
  { sub, svc, lifetime }: Speaker,
  now: number,
): IdentityClaims {
  const iat = Math.floor(now)
  return {
    v: 1,
    iss: call.from,
    sub,
    svc,
    scopes: [...call.scopes],
    aud: call.to,
    rid: call.requestId,
    m: call.method,
    target: call.target,
    body: call.body.length === 0 ? OF_NOTHING : hash('sha256', call.body),
    iat,
    exp: iat + lifetime,
    jti: randomText(16, 'base64url'),
  }
}

/** {@link callClaims} where a service speaks for itself. */
export function serviceClaims(call: ServiceCall, now: number): IdentityClaims {
  const self = `service:${call.from}`
  return callClaims(call, { sub: self, svc: self, lifetime: IDENTITY_LIFETIME }, now)
}

const OF_NOTHING = hash('sha256', '')

/** The value of `X-MCP-Identity`: the claims, and their HMAC-SHA-256 under `key`. */
export function signIdentity(claims: IdentityClaims, key: Buffer): string {
  const first = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${first}.${identityMac(first, key)}`
}

/** The second part of a header: HMAC-SHA-256 over the text of the first, in base64url. */
export function identityMac(first: string, key: Buffer): string {
  return createHmac('sha256', key).update(first).digest('base64url')
}

/**
 * The key of a service, or of one service's calls to another, as it follows from the secret of the stack.
 *
 * @param secret the text of the stack's secret
 * @param purpose a service, such as `mcp-audit`, or `mcp-policy>mcp-audit`
 * @returns 32 bytes in base64url
 */
export function deriveIdentityKey(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(`mcp-identity:${purpose}`).digest('base64url')
}

/** 32 bytes; the last of 43 digits holds four bits alone. */
const KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * Reads a key of 32 bytes in base64url, one line.
 *
 * @param variable the variable that names the file, for the message
 * @throws EnvironmentError if the file cannot be read, or is not a key
 */
export function readIdentityKey(path: string, variable: string): Buffer {
  return Buffer.from(readSecretLine(path, variable, KEY), 'base64url')
}

/**
 * The one line of a file that holds a secret.
 *
 * @param variable the variable that names the file, for the message
 * @param form of 32 bytes in base64url
 * @throws EnvironmentError if the file cannot be read, or holds something else, with what to do about it
 */
export function readSecretLine(path: string, variable: string, form: RegExp): string {
  const made = 'npm start and docker compose make it, see docs/OPERATIONS.md, "Identity keys"'
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new EnvironmentError([`${variable}: ${path} ${unreadable(error, made)}.`])
  }
  if (form.test(text)) return text
  throw new EnvironmentError([`${variable}: ${path} is not 32 bytes in base64url: ${made}.`])
}
