import { callerVariables } from '@ai-governance/common/callers/caller-variables'
import { EnvironmentError } from '@ai-governance/common/environment'
import { z } from 'zod'
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

/** What is read from the environment. */
export const authVariables = {
  AUTH_MODE: z.enum(['none', 'keys', 'oidc']).default('none').describe('none, keys or oidc'),
  API_KEYS_PATH: z.string().optional().describe('the path of the file that holds the API keys'),
  ...callerVariables,
  OIDC_CA_PATH: z
    .string()
    .optional()
    .describe('the path of a PEM file with the certificate authority of the issuer, or unset'),
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
