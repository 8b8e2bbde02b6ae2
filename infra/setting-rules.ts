import { callerVariables } from '@ai-governance/common/callers/caller-variables'
import {
  EnvironmentError,
  flag,
  positiveInteger,
  readEnvironment,
  serverVariables,
} from '@ai-governance/common/environment'
import { isOrigin } from '../clients/typescript/src/audit-key.ts'

/** What the services read as it stands, judged here as they do: before anything starts, and once. */
const passedOn = {
  ...callerVariables,
  LOG_LEVEL: serverVariables.LOG_LEVEL,
  GATEWAY_ALLOWED_HOSTS: serverVariables.GATEWAY_ALLOWED_HOSTS,
  AIBOM_REQUIRED: flag.optional().describe('true or false'),
  GATE_SLA_MS: positiveInteger
    .optional()
    .describe('a whole number of milliseconds from 1 on, for example 1500'),
}

/** The roles that infra/init.sql makes; none of them may have the rights of an owner. */
export const serviceRoles = ['audit_service', 'lineage_service', 'governance_tables']

/**
 * What is wrong with settings that count however the stack is run, one sentence each, beginning with the
 * variable's name; nothing for what is not set.
 */
export function* settingFaults(values: ReadonlyMap<string, string>): Generator<string> {
  for (const name of ['POSTGRES_USER', 'POSTGRES_DB']) {
    const value = values.get(name)
    if (value !== undefined && !/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(value)) {
      yield `${name} must be lower-case letters, digits and "_", at most 63, and not begin with a digit or "pg_".`
    }
  }
  // The owner is a superuser: with the name of a service's login it would make that one a superuser too.
  if (serviceRoles.includes(values.get('POSTGRES_USER') ?? '')) {
    yield `POSTGRES_USER must not be one of ${serviceRoles.join(', ')}: those are the services' own.`
  }
  const password = values.get('POSTGRES_PASSWORD')
  if (password !== undefined && !/^[\x21-\x7e]{8,200}$/.test(password)) {
    yield 'POSTGRES_PASSWORD must be 8 to 200 visible ASCII characters, or unset to have one made.'
  }
  const origin = values.get('AUDIT_ORIGIN')
  if (origin !== undefined && !isOrigin(origin)) {
    yield 'AUDIT_ORIGIN must be 1 to 200 visible ASCII characters without "+", such as audit.example.org/governance.'
  }
  const mode = values.get('AUTH_MODE')
  if (mode !== undefined && !['none', 'keys', 'oidc'].includes(mode)) {
    yield 'AUTH_MODE must be none, keys or oidc.'
  }
  try {
    readEnvironment(passedOn, Object.fromEntries(values))
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    yield* error.message.split('\n')
  }
}
