import { hash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EnvironmentError } from '@ai-governance/common/environment'
import {
  deriveIdentityKey,
  FORWARDED_LIFETIME,
  IDENTITY_HEADER,
  signIdentity,
} from '@ai-governance/common/identity'
import type { Scope } from '@ai-governance/common/scopes'
import { GATEWAY_NAME } from '../directory.ts'
import type { Caller } from './caller.ts'

/** What is signed of one attempt to call a service. */
export interface SignedCall {
  /** Which one is called. */
  service: string
  /** Goes out as `X-Request-ID` too. */
  requestId: string
  method: string
  /** Path and query as they are sent. */
  target: string
  /** As it is sent; null or empty where there is none. */
  body: string | Uint8Array | null
  /** Whether the gateway speaks for itself, with the caller as actor, such as in `gate.decided`. */
  asGateway?: boolean
}

/**
 * The header fields that say on whose behalf a service is called, name and value in turn; none where the
 * gateway has no secret. Asked anew for every attempt, since a header counts once.
 */
export type IdentityHeaders = (caller: Caller, call: SignedCall) => string[]

/** The caller where the gateway writes on nobody's behalf. */
export const GATEWAY: Caller = { actor: `service:${GATEWAY_NAME}`, scopes: [] }

const SELF = `service:${GATEWAY_NAME}`
/** What the gateway may do by itself: write what it decided and whom it refused, and read that again. */
const OWN_SCOPES: readonly Scope[] = ['audit:append', 'audit:read']
const EMPTY = hash('sha256', '')

/**
 * Signs for each of `services` with the key that follows from the secret of the stack (docs/FORMATS.md).
 *
 * @param secret null where calls are not signed
 */
export function identitySigner(secret: string | null, services: Iterable<string>): IdentityHeaders {
  if (secret === null) return () => []
  const keys = new Map(
    [...services].map((name) => [name, Buffer.from(deriveIdentityKey(secret, name), 'base64url')]),
  )
  return (caller, { service, requestId, method, target, body, asGateway = false }) => {
    const key = keys.get(service)
    if (!key) throw new Error(`there is no identity key for ${service}`)
    const iat = Math.floor(Date.now() / 1_000)
    const claims = {
      v: 1,
      iss: GATEWAY_NAME,
      sub: caller.actor,
      svc: asGateway ? SELF : null,
      scopes: asGateway ? OWN_SCOPES : caller.scopes,
      aud: service,
      rid: requestId,
      m: method,
      target,
      body: body === null ? EMPTY : hash('sha256', body),
      iat,
      exp: iat + FORWARDED_LIFETIME,
      jti: randomId(),
    } as const
    return [IDENTITY_HEADER, signIdentity(claims, key)]
  }
}

/** Random bytes are drawn for 256 ids at once: one draw takes 1.7 µs, however few. */
const POOL_BYTES = 4_096
let pool = Buffer.alloc(0)
let used = 0

/** 16 random bytes in base64url. */
function randomId(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES)
    used = 0
  }
  const id = pool.toString('base64url', used, used + 16)
  used += 16
  return id
}

/**
 * Reads the secret of the stack, one line.
 *
 * @throws EnvironmentError if there is none in the file
 */
export function readIdentitySecret(path: string): string {
  const help = 'npm start and docker compose make it, see docs/OPERATIONS.md.'
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new EnvironmentError([`IDENTITY_SECRET_PATH: ${path} cannot be read (${code}): ${help}`])
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) {
    throw new EnvironmentError([
      `IDENTITY_SECRET_PATH: ${path} does not hold 32 bytes in base64url: ${help}`,
    ])
  }
  return text
}
