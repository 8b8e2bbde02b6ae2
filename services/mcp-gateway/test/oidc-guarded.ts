import type { TestContext } from 'node:test'
import { type Guarded, get, startGuarded, until } from './auth-harness.ts'
import type { Callers } from './harness.ts'
import { AUDIENCE, type Issuer, newIssuer, newSigningKey, type SigningKey } from './oidc-issuer.ts'

export const EVENTS = '/mcp-audit/events'
/** Clients of the issuer, and the scopes that each may have. */
export const CLIENTS = { ci: 'audit:append audit:read', auditor: 'audit:read audit:export' }

/** The key of the issuer, and one of somebody else under the same name. */
export const key = newSigningKey('first')
export const stranger = newSigningKey('first')

/** The gateway before this issuer, once it is ready. */
export async function guardedBy(
  t: TestContext,
  issuer: Issuer,
  { rules = {}, times = {}, wait = true } = {},
): Promise<Guarded> {
  const auth: Callers['auth'] = {
    ...{ mode: 'oidc', issuer: issuer.url, audience: AUDIENCE },
    ...{ algorithms: ['RS256', 'ES256', 'PS256', 'EdDSA'], scopesClaim: 'scope' },
    ...rules,
  }
  const issuerTimes = {
    ...{ refresh: 60_000, retry: 50, cooldown: 0, stale: 60_000, answer: 1_000 },
    ...times,
  }
  const guarded = await startGuarded(t, auth, {}, { issuerTimes })
  if (wait) await until(t, async () => (await get(guarded.gateway, '/readyz')).status === 200)
  guarded.recorder.received.length = 0
  return guarded
}

/** An issuer with these keys, or with its usual one. */
export async function startIssuer(t: TestContext, ...keys: SigningKey[]): Promise<Issuer> {
  const issuer = await newIssuer(CLIENTS)
  await issuer.useKeys(...(keys.length > 0 ? keys : [key]))
  await issuer.listen(t)
  return issuer
}
