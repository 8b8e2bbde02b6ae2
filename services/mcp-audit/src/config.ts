import {
  assertOnlyKnownCallers,
  callerVariables,
} from '@ai-governance/common/callers/caller-config'
import {
  databaseVariables,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'
import { z } from 'zod'

const signerVariables = {
  AUDIT_SIGNING_KEY_PATH: z
    .string()
    .optional()
    .describe('the path of a PEM file with the Ed25519 key that signs checkpoints, or unset'),
  AUDIT_SIGNER_STATE_PATH: z
    .string()
    .optional()
    .describe('the path of the file that says what was signed last, or unset'),
  AUDIT_ORIGIN: z
    .string()
    .regex(/^[\x21-\x2a\x2c-\x7e]{1,200}$/)
    .optional()
    .describe(
      'the name of the log in its checkpoints, 1 to 200 visible ASCII characters without "+", for example gov.example.org/audit, or unset',
    ),
}

const witnessVariables = {
  AUDIT_WITNESSES_PATH: z
    .string()
    .optional()
    .describe(
      'the path of a file with the verifier key and the URL of a witness on each line, or unset',
    ),
}

const identityVariables = {
  POLICY_IDENTITY_KEY_PATH: z
    .string()
    .optional()
    .describe('the path of the file with the key under which mcp-policy signs its calls, or unset'),
}

/** Everything this service reads from an environment. Throws `EnvironmentError` with what to do about it. */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  const config = readEnvironment(
    {
      ...serverVariables,
      ...callerVariables,
      ...databaseVariables,
      ...signerVariables,
      ...witnessVariables,
      ...identityVariables,
    },
    env,
  )
  assertOnlyKnownCallers(config)
  return config
}

export type Config = ReturnType<typeof readConfig>
