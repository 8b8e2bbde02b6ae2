import { EnvironmentError } from '@ai-governance/common/environment'
import { z } from 'zod'
import { isTrustworthyUrl } from './issuer.ts'
import type { OidcRules } from './oidc.ts'
import type { Rate } from './rate-limits.ts'

/** How callers show who they are. */
export type AuthConfig =
  | { mode: 'none' }
  | { mode: 'keys'; path: string }
  | ({ mode: 'oidc'; caPath?: string | undefined } & OidcRules)

/** Null: no limit. */
export interface RateLimits {
  perKey: Rate | null
  perAddress: Rate | null
}

/** Unless configured otherwise, where there are credentials. */
const PER_KEY: Rate = { perSecond: 2_000, burst: 4_000 }
const PER_ADDRESS: Rate = { perSecond: 50, burst: 200 }

/** Public keys alone: an HMAC under a key that everybody may read says nothing. */
const ALGORITHMS = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
)

const rate = z
  .string()
  .regex(/^(?:off|[1-9][0-9]{0,6}(?:\/[1-9][0-9]{0,6})?)$/)
  .transform((text): Rate | null => {
    if (text === 'off') return null
    const [perSecond, burst] = text.split('/').map(Number) as [number, number | undefined]
    return { perSecond, burst: burst ?? 2 * perSecond }
  })

/** What is read from the environment. */
export const authVariables = {
  AUTH_MODE: z.enum(['none', 'keys', 'oidc']).default('none').describe('none, keys or oidc'),
  API_KEYS_PATH: z.string().optional().describe('the path of the file that holds the API keys'),
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
  OIDC_CA_PATH: z
    .string()
    .optional()
    .describe('the path of a PEM file with the certificate authority of the issuer, or unset'),
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
  IDENTITY_SECRET_PATH: z
    .string()
    .optional()
    .describe('the path of the file with the secret of the stack, under which calls are signed'),
}

type Read = z.output<z.ZodObject<typeof authVariables>>

/**
 * What the variables mean together.
 *
 * @throws EnvironmentError where one is missing that the mode needs
 */
export function authConfig(read: Read): {
  auth: AuthConfig
  rateLimits: RateLimits
  identitySecretPath: string | undefined
} {
  const { AUTH_MODE: mode, IDENTITY_SECRET_PATH: identitySecretPath } = read
  const isKnown = mode !== 'none'
  if (isKnown && identitySecretPath === undefined) {
    throw new EnvironmentError([
      `AUTH_MODE=${mode} needs IDENTITY_SECRET_PATH, or no service would know who calls: npm start and docker ` +
        'compose set it, see docs/OPERATIONS.md.',
    ])
  }
  const {
    RATE_LIMIT_PER_KEY: perKey = isKnown ? PER_KEY : null,
    RATE_LIMIT_PER_ADDRESS: perAddress = isKnown ? PER_ADDRESS : null,
  } = read
  return { auth: modeConfig(read), rateLimits: { perKey, perAddress }, identitySecretPath }
}

function modeConfig(read: Read): AuthConfig {
  if (read.AUTH_MODE === 'none') return { mode: 'none' }
  if (read.AUTH_MODE === 'keys') {
    const path = read.API_KEYS_PATH
    if (path !== undefined) return { mode: 'keys', path }
    throw new EnvironmentError([
      'AUTH_MODE=keys needs API_KEYS_PATH: set it to the file that "aigov keys create" made.',
    ])
  }
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = read
  if (issuer === undefined || audience === undefined) {
    throw new EnvironmentError([
      'AUTH_MODE=oidc needs OIDC_ISSUER and OIDC_AUDIENCE: a token of anybody, or for anybody, would count otherwise.',
    ])
  }
  const { OIDC_ALGORITHMS: algorithms, OIDC_SCOPES_CLAIM: scopesClaim, OIDC_CA_PATH: caPath } = read
  return { mode: 'oidc', issuer, audience, algorithms, scopesClaim, caPath }
}
