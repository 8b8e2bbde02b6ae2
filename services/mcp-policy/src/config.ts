import { existsSync } from 'node:fs'
import {
  flag,
  positiveInteger,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'
import { z } from 'zod'

const variables = {
  ...serverVariables,
  POLICIES_DIR: z.string().default('policies').describe('the folder that holds the policy files'),
  AIBOM_PUBLIC_KEY_PATH: z
    .string()
    .optional()
    .describe('the path of a PEM file with one or more Ed25519 public keys, or unset'),
  AIBOM_REQUIRED: flag.default(false).describe('true or false'),
  GATE_SLA_MS: positiveInteger
    .default(1500)
    .describe('the longest time a decision may take in milliseconds, for example 1500'),
}

/** Where the key is looked for when no path is given, beside the default of POLICIES_DIR. */
const DEFAULT_KEY_PATH = 'infra/keys/aibom_public_key.pem'

/** Everything this service reads from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  const config = readEnvironment(variables, env)
  const keyPath = existsSync(DEFAULT_KEY_PATH) ? DEFAULT_KEY_PATH : undefined
  return { ...config, AIBOM_PUBLIC_KEY_PATH: config.AIBOM_PUBLIC_KEY_PATH ?? keyPath }
}

export type Config = ReturnType<typeof readConfig>
