import { existsSync } from 'node:fs'
import {
  assertOnlyKnownCallers,
  callerVariables,
} from '@ai-governance/common/callers/caller-config'
import {
  EnvironmentError,
  flag,
  positiveInteger,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'
import { z } from 'zod'

const variables = {
  ...serverVariables,
  ...callerVariables,
  POLICIES_DIR: z.string().default('policies').describe('the folder that holds the policy files'),
  AIBOM_PUBLIC_KEY_PATH: z
    .string()
    .optional()
    .describe('the path of a PEM file with one or more Ed25519 public keys, or unset'),
  AIBOM_REQUIRED: flag.default(false).describe('true or false'),
  GATE_SLA_MS: positiveInteger
    .default(1500)
    .describe('the longest time a decision may take in milliseconds, for example 1500'),
  AUDIT_URL: z
    .string()
    .regex(/^http:\/\/(\[::1\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(:[1-9][0-9]{0,4})?$/)
    .refine((url) => URL.canParse(url))
    .optional()
    .describe(
      'the address of mcp-audit as http://name[:port], for example http://mcp-audit:8000, or unset',
    ),
  AUDIT_IDENTITY_KEY_PATH: z
    .string()
    .optional()
    .describe('the path of the file with the key that signs calls to mcp-audit, or unset'),
}

/** Where the key is looked for when no path is given, beside the default of POLICIES_DIR. */
const DEFAULT_KEY_PATH = 'infra/keys/aibom_public_key.pem'

/** Everything this service reads from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  const config = readEnvironment(variables, env)
  assertOnlyKnownCallers(config)
  if (config.AUDIT_URL && !config.AUDIT_IDENTITY_KEY_PATH) {
    throw new EnvironmentError([
      'AUDIT_URL is set and AUDIT_IDENTITY_KEY_PATH is not: mcp-audit takes entries about policies in signed calls alone. Set both or none.',
    ])
  }
  const keyPath = existsSync(DEFAULT_KEY_PATH) ? DEFAULT_KEY_PATH : undefined
  return { ...config, AIBOM_PUBLIC_KEY_PATH: config.AIBOM_PUBLIC_KEY_PATH ?? keyPath }
}

export type Config = ReturnType<typeof readConfig>
