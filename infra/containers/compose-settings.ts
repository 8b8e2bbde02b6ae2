import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { flag, port } from '@ai-governance/common/environment'
import { isLoopback } from '@ai-governance/common/http/loopback'
import { parseDotenv } from '../dotenv.ts'
import { Failure } from '../failure.ts'
import { settingFaults } from '../setting-rules.ts'

/** What docker-compose.yml sets itself, so that a value in `.env` would count for nothing. */
export const setByCompose = [
  'HOST',
  'PORT',
  'METRICS_PORT',
  'MCP_DIRECTORY',
  'DATABASE_URL',
  'DATABASE_PASSWORD_FILE',
  'LINEAGE_DATABASE_PASSWORD_FILE',
  'AUDIT_DATABASE_PASSWORD_FILE',
  'AUDIT_SIGNING_KEY_PATH',
  'AUDIT_SIGNER_STATE_PATH',
  'AUDIT_URL',
  'AUDIT_IDENTITY_KEY_PATH',
  'POLICY_IDENTITY_KEY_PATH',
  'IDENTITY_KEY_PATH',
  'IDENTITY_SECRET_PATH',
  'IDENTITY_REQUIRED',
]

const accepts = (schema: typeof port | typeof flag) => (value: string) =>
  schema.safeParse(value).success
const matches = (form: RegExp) => (value: string) => form.test(value)

/** What a value must be for docker-compose.yml to do with it what is meant. */
const forms: Record<string, [(value: string) => boolean, string]> = {
  GATEWAY_PORT: [accepts(port), 'a port from 1 to 65535'],
  GATEWAY_BIND: [isIPv4, 'an IPv4 address such as 127.0.0.1'],
  API_KEYS_PATH: [matches(/^(\.\/)?infra\/api-keys\/[^/]+$/), 'a file in infra/api-keys'],
  POLICIES_DIR: [matches(/^\.{0,2}\//), 'a path that starts with "./", "../" or "/"'],
  AIBOM_PUBLIC_KEY_PATH: [matches(/^(\.\/)?infra\/keys\/[^/]+$/), 'a file in infra/keys'],
  OIDC_CA_PATH: [matches(/^(\.\/)?infra\/keys\/[^/]+$/), 'a file in infra/keys'],
  AUDIT_WITNESSES_PATH: [matches(/^(\.\/)?infra\/keys\/[^/]+$/), 'a file in infra/keys'],
  OFFLINE: [accepts(flag), 'true or false'],
}

/**
 * What a person has set in the `.env` of a checkout, judged for `docker compose up`; empty without one.
 *
 * @throws Failure for a `.env` that cannot be read, or with a sentence for each line that cannot be right
 */
export function readComposeSettings(checkout: string): Map<string, string> {
  let text: string
  try {
    // Read at once: in a folder that is closed to us, existsSync would say that there is no file.
    text = readFileSync(join(checkout, '.env'), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return new Map()
    throw new Failure(
      `.env cannot be read (${code}) by user ${process.getuid?.()}, as whom the containers run: open the folder and the file to that user, for example with "chmod o+x . && chmod o+r .env".`,
    )
  }
  const values = parseDotenv(text, readFileSync(join(checkout, '.env.example'), 'utf8'))
  const set = new Map(Object.entries(values).filter(([, value]) => value !== ''))
  const faults = [...composeFaults(set), ...settingFaults(set)]
  if (faults.length > 0) throw new Failure(faults.join('\n'))
  return set
}

function* composeFaults(set: ReadonlyMap<string, string>): Generator<string> {
  for (const name of setByCompose) {
    if (set.has(name)) yield `${name} is set by docker-compose.yml itself: take it out of .env.`
  }
  for (const [name, [isRight, description]] of Object.entries(forms)) {
    const value = set.get(name)
    if (value !== undefined && !isRight(value)) yield `${name} must be ${description}.`
  }
  const isOpen = (set.get('AUTH_MODE') ?? 'none') === 'none'
  if (isOpen && !isLoopback(set.get('GATEWAY_BIND') ?? '127.0.0.1')) {
    yield 'GATEWAY_BIND must be a loopback address such as 127.0.0.1, because AUTH_MODE=none lets everybody in who can connect: choose AUTH_MODE=keys or oidc for another.'
  }
}
