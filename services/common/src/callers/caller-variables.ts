import { z } from 'zod'
import { isLoopback } from '../http/loopback.ts'

/** Public keys alone: an HMAC under a key that everybody may read says nothing. */
const ALGORITHMS = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
)

const rate = z
  .string()
  .regex(/^(?:off|[1-9][0-9]{0,6}(?:\/[1-9][0-9]{0,6})?)$/)
  .transform((text) => {
    if (text === 'off') return null
    const [perSecond, burst] = text.split('/').map(Number) as [number, number | undefined]
    return { perSecond, burst: burst ?? 2 * perSecond }
  })

/** What the environment says of who may call and how often: the gateway reads it, and what starts the stack judges it before. */
export const callerVariables = {
  OIDC_ISSUER: z
    .string()
    .refine((text) => isTrustworthyUrl(text) && !text.includes('?'))
    .optional()
    .describe(
      'the issuer of tokens, exactly as in their iss: a URL with https, or on loopback with http',
    ),
  OIDC_AUDIENCE: z
    .string()
    .max(1_000)
    .optional()
    .describe('what tokens for this gateway have in aud, for example https://gov.example.org'),
  OIDC_ALGORITHMS: z
    .string()
    .transform((text) => text.split(','))
    .refine((names) => names.every((name) => ALGORITHMS.has(name)))
    .default(['RS256', 'ES256', 'PS256', 'EdDSA'])
    .describe(`algorithms of signatures, comma-separated, of ${[...ALGORITHMS].join(', ')}`),
  OIDC_SCOPES_CLAIM: z
    .string()
    .max(200)
    .default('scope')
    .describe('the name of the claim that lists the scopes, for example scope'),
  RATE_LIMIT_PER_KEY: rate
    .optional()
    .describe('requests a second of one caller, for example 100, or with a burst 100/500, or off'),
  RATE_LIMIT_PER_ADDRESS: rate
    .optional()
    .describe(
      'requests a second of one address without valid credentials, for example 20/100, or off',
    ),
}

/**
 * Whether keys may be fetched from there: by https, or from this machine, where nobody is in between.
 *
 * @param text attacker-controlled where it comes from an answer
 */
export function isTrustworthyUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null) return false
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}
