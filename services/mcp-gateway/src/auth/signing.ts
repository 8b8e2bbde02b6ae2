import {
  callClaims,
  deriveIdentityKey,
  FORWARDED_LIFETIME,
  IDENTITY_HEADER,
  readSecretLine,
  signIdentity,
} from '@ai-governance/common/callers/identity'
import type { Scope } from '@ai-governance/common/callers/scopes'
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
    const speaker = {
      sub: caller.actor,
      svc: asGateway ? SELF : null,
      lifetime: FORWARDED_LIFETIME,
    }
    const scopes = asGateway ? OWN_SCOPES : caller.scopes
    const parties = { from: GATEWAY_NAME, to: service, scopes }
    const claims = callClaims(
      { ...parties, requestId, method, target, body: body ?? '' },
      speaker,
      Date.now() / 1_000,
    )
    return [IDENTITY_HEADER, signIdentity(claims, key)]
  }
}

/**
 * Reads the secret of the stack, one line.
 *
 * @throws EnvironmentError if there is none in the file
 */
export function readIdentitySecret(path: string): string {
  return readSecretLine(path, 'IDENTITY_SECRET_PATH', /^[A-Za-z0-9_-]{43}$/)
}
