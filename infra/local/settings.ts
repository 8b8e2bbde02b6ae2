import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { port } from '@ai-governance/common/environment'
import { lineOf, parseDotenv } from '../dotenv.ts'
import { Failure } from '../failure.ts'
import { settingFaults } from '../setting-rules.ts'
import { readText } from './file-fault.ts'

/** What a person may choose about the local stack. */
export interface Settings {
  gatewayPort: number
  postgresUser: string
  postgresDatabase: string
  /** Undefined: one is made. */
  postgresPassword: string | undefined
  logLevel: string
  policiesDir: string
  /** Undefined, here and below: the service's default holds. */
  aibomPublicKeyPath: string | undefined
  aibomRequired: string | undefined
  gateSlaMs: string | undefined
  gatewayAllowedHosts: string | undefined
  /** What the gateway is told about credentials and limits, by the name of the variable. */
  auth: { AUTH_MODE: string } & Record<string, string | undefined>
  auditOrigin: string | undefined
  auditWitnessesPath: string | undefined
}

/** Where "aigov keys" keeps the API keys of this checkout unless it is told another place. */
const API_KEYS = 'infra/api-keys/api-keys.json'

/** The ports of the services and of their metrics, which the gateway cannot have. */
const reservedPorts = [8081, 8082, 8083, 9180, 9181, 9182, 9183]

/** Names that the local stack sets by itself, with the one value that it can honour, if any. */
const fixed: Record<string, { only?: string; because: string }> = {
  HOST: { only: '127.0.0.1', because: 'every service listens on loopback' },
  PORT: { because: 'the services have the ports 8081 to 8083, the gateway has GATEWAY_PORT' },
  METRICS_PORT: { because: 'metrics are on the ports 9180 to 9183' },
  DATABASE_URL: { because: 'it starts a database of its own' },
  DATABASE_PASSWORD_FILE: { because: 'it makes the passwords in .data/secrets' },
  LINEAGE_DATABASE_PASSWORD_FILE: { because: 'it makes the passwords in .data/secrets' },
  AUDIT_DATABASE_PASSWORD_FILE: { because: 'it makes the passwords in .data/secrets' },
  AUDIT_SIGNING_KEY_PATH: { because: 'it makes the key in .data/signer' },
  AUDIT_SIGNER_STATE_PATH: { because: 'it makes the state in .data/signer' },
  AUDIT_URL: { because: 'it knows the addresses of its services' },
  AUDIT_IDENTITY_KEY_PATH: { because: 'it makes the key in .data/secrets' },
  POLICY_IDENTITY_KEY_PATH: { because: 'it makes the key in .data/secrets' },
  IDENTITY_KEY_PATH: { because: 'it makes the keys in .data/secrets' },
  IDENTITY_SECRET_PATH: { because: 'it makes the secret in .data/secrets' },
  IDENTITY_REQUIRED: {
    because: 'AUTH_MODE says it: with "none", calls that nobody signed are taken',
  },
  MCP_DIRECTORY: { because: 'it knows the addresses of its services' },
  GATEWAY_BIND: { only: '127.0.0.1', because: 'it serves this machine alone' },
}

/** What the gateway alone reads about credentials and limits; it judges them itself. */
const authNames = [
  'AUTH_MODE',
  'API_KEYS_PATH',
  'OIDC_ISSUER',
  'OIDC_AUDIENCE',
  'OIDC_ALGORITHMS',
  'OIDC_SCOPES_CLAIM',
  'OIDC_CA_PATH',
  'RATE_LIMIT_PER_KEY',
  'RATE_LIMIT_PER_ADDRESS',
]

/** Names that a shell variable may override; the others are too common to be meant for us. */
const fromShell = [
  'GATEWAY_PORT',
  'GATEWAY_BIND',
  'GATEWAY_ALLOWED_HOSTS',
  ...authNames,
  'LOG_LEVEL',
  'POLICIES_DIR',
  'AIBOM_PUBLIC_KEY_PATH',
  'AIBOM_REQUIRED',
  'GATE_SLA_MS',
  'AUDIT_WITNESSES_PATH',
]

/**
 * Reads `.env` (if there is one) and the shell's variables.
 *
 * @throws Failure with one sentence for each name or value that cannot be honoured, and where it stands
 */
export function readSettings(root: string, shell: NodeJS.ProcessEnv): Settings {
  const file = join(root, '.env')
  const example = readFileSync(join(root, '.env.example'), 'utf8')
  const text = existsSync(file) ? readText(file) : ''
  const dotenv = parseDotenv(text, example)
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(dotenv)) if (value !== '') values.set(name, value)
  for (const name of fromShell) if (shell[name]) values.set(name, shell[name])
  const faults = [...faultsOf(values)].map((sentence) => {
    const name = sentence.split(' ')[0] as string
    const inShell = fromShell.includes(name) && shell[name]
    return `${inShell ? 'in the shell' : `.env line ${lineOf(text, name)}`}: ${sentence}`
  })
  if (faults.length > 0) throw new Failure(faults.join('\n'))
  return interpret(root, values)
}

function interpret(root: string, values: Map<string, string>): Settings {
  const path = (name: string) => {
    const value = values.get(name)
    return value === undefined ? undefined : resolve(root, value)
  }
  return {
    gatewayPort: Number(values.get('GATEWAY_PORT') ?? 8080),
    postgresUser: values.get('POSTGRES_USER') ?? 'governance',
    postgresDatabase: values.get('POSTGRES_DB') ?? 'governance',
    postgresPassword: values.get('POSTGRES_PASSWORD'),
    logLevel: values.get('LOG_LEVEL') ?? 'info',
    policiesDir: path('POLICIES_DIR') ?? join(root, 'policies'),
    aibomPublicKeyPath: path('AIBOM_PUBLIC_KEY_PATH'),
    aibomRequired: values.get('AIBOM_REQUIRED'),
    gateSlaMs: values.get('GATE_SLA_MS'),
    gatewayAllowedHosts: values.get('GATEWAY_ALLOWED_HOSTS'),
    auth: {
      ...Object.fromEntries(authNames.map((name) => [name, values.get(name)])),
      AUTH_MODE: values.get('AUTH_MODE') ?? 'none',
      OIDC_CA_PATH: path('OIDC_CA_PATH'),
      API_KEYS_PATH: path('API_KEYS_PATH') ?? join(root, API_KEYS),
    },
    auditOrigin: values.get('AUDIT_ORIGIN'),
    auditWitnessesPath: path('AUDIT_WITNESSES_PATH'),
  }
}

/** Sentences that begin with the name of the variable. */
function* faultsOf(values: Map<string, string>): Generator<string> {
  for (const [name, { only, because }] of Object.entries(fixed)) {
    const value = values.get(name)
    if (value === undefined || value === only) continue
    const fix = only === undefined ? 'take it out of .env' : `set it to ${only} or take it out`
    yield `${name} cannot be set for the local stack, because ${because}: ${fix}.`
  }
  const given = values.get('GATEWAY_PORT')
  if (given !== undefined && !isFreePort(given)) {
    yield `GATEWAY_PORT must be a port from 1 to 65535 other than ${reservedPorts.join(', ')}, which the services use.`
  }
  yield* settingFaults(values)
}

function isFreePort(text: string): boolean {
  const { data } = port.safeParse(text)
  return data !== undefined && !reservedPorts.includes(data)
}
