import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { namesIn } from '../dotenv.ts'
import { Failure } from '../failure.ts'
import { readSettings } from '../local/settings.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const exampleFile = join(import.meta.dirname, '../../.env.example')

function rootWith(t: TestContext, dotenv?: string): string {
  const root = scratchFolder(t)
  copyFileSync(exampleFile, join(root, '.env.example'))
  if (dotenv !== undefined) writeFileSync(join(root, '.env'), dotenv)
  return root
}

/** Each refusal as `<line of .env, or shell> <name>`. */
function refusals(t: TestContext, dotenv: string, shell: NodeJS.ProcessEnv = {}): string[] {
  try {
    readSettings(rootWith(t, dotenv), shell)
  } catch (error) {
    assert.ok(error instanceof Failure)
    const sentence = /^(?:\.env line (\d+)|in the shell): ([A-Z_]+) /
    return error.message.split('\n').map((line) => {
      const match = sentence.exec(line)
      assert.ok(match, line)
      return `${match[1] ?? 'shell'} ${match[2]}`
    })
  }
  return []
}

const namesRefused = (t: TestContext, dotenv: string) =>
  refusals(t, dotenv).map((refusal) => refusal.split(' ')[1] as string)

test('without a .env the defaults hold', (t) => {
  const root = rootWith(t)
  assert.deepEqual(readSettings(root, {}), {
    gatewayPort: 8080,
    postgresUser: 'governance',
    postgresDatabase: 'governance',
    postgresPassword: undefined,
    logLevel: 'info',
    policiesDir: join(root, 'policies'),
    aibomPublicKeyPath: undefined,
    aibomRequired: undefined,
    gateSlaMs: undefined,
    gatewayAllowedHosts: undefined,
    auth: {
      AUTH_MODE: 'none',
      API_KEYS_PATH: join(root, 'infra/api-keys/api-keys.json'),
      OIDC_ISSUER: undefined,
      OIDC_AUDIENCE: undefined,
      OIDC_ALGORITHMS: undefined,
      OIDC_SCOPES_CLAIM: undefined,
      OIDC_CA_PATH: undefined,
      RATE_LIMIT_PER_KEY: undefined,
      RATE_LIMIT_PER_ADDRESS: undefined,
    },
    auditOrigin: undefined,
    auditWitnessesPath: undefined,
  })
})

test('a variable of the shell wins over the file where its name is ours', (t) => {
  const root = rootWith(t, 'GATEWAY_PORT=8090\nPOLICIES_DIR=mine')
  const settings = readSettings(root, { GATEWAY_PORT: '8091', HOST: 'laptop', PORT: '3000' })
  assert.equal(settings.gatewayPort, 8091)
  assert.equal(settings.policiesDir, join(root, 'mine'))
})

test('a path is one below the checkout, and the origin is taken from the file alone', (t) => {
  const root = rootWith(t, 'AUDIT_WITNESSES_PATH=./infra/keys/w.txt\nAUDIT_ORIGIN=here.example/log')
  const settings = readSettings(root, { AUDIT_ORIGIN: 'elsewhere.example/log' })
  assert.equal(settings.auditWitnessesPath, join(root, 'infra/keys/w.txt'))
  assert.equal(settings.auditOrigin, 'here.example/log')
})

test('an empty value counts as not set', (t) => {
  assert.equal(readSettings(rootWith(t, 'GATEWAY_PORT=\nHOST='), {}).gatewayPort, 8080)
})

test('what the local stack sets by itself is refused, its own value excepted', (t) => {
  const others =
    'HOST=0.0.0.0\nPORT=8000\nIDENTITY_REQUIRED=false\nGATEWAY_BIND=0.0.0.0\nMCP_DIRECTORY={}'
  assert.deepEqual(namesRefused(t, others).sort(), others.match(/^[A-Z_]+/gm)?.sort())
  assert.deepEqual(namesRefused(t, 'HOST=127.0.0.1\nAUTH_MODE=none\nGATEWAY_BIND=127.0.0.1'), [])
})

test('who may call is for a person to choose, and the gateway is told', (t) => {
  const root = rootWith(t, 'AUTH_MODE=oidc\nOIDC_ISSUER=https://id.example\nAPI_KEYS_PATH=k.json\n')
  const settings = readSettings(root, { RATE_LIMIT_PER_KEY: '10' })
  const { AUTH_MODE, OIDC_ISSUER, API_KEYS_PATH, RATE_LIMIT_PER_KEY } = settings.auth
  assert.deepEqual(
    [AUTH_MODE, OIDC_ISSUER, API_KEYS_PATH, RATE_LIMIT_PER_KEY],
    ['oidc', 'https://id.example', join(root, 'k.json'), '10'],
  )
  assert.deepEqual(refusals(t, 'AUTH_MODE=password'), ['1 AUTH_MODE'])
})

test('a port that a service has, or that is none, is refused for the gateway', (t) => {
  for (const port of ['8081', '9180', '0', '65536', '80x']) {
    assert.deepEqual(namesRefused(t, `GATEWAY_PORT=${port}`), ['GATEWAY_PORT'])
  }
})

test('names and passwords that PostgreSQL or an address could misread are refused', (t) => {
  const dotenv = 'POSTGRES_USER=pg_me\nPOSTGRES_DB=Mine\nPOSTGRES_PASSWORD=short'
  assert.deepEqual(namesRefused(t, dotenv), ['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD'])
})

test('what a service would refuse is refused before one starts, once and with its place', (t) => {
  const dotenv = '# mine\nLOG_LEVEL=verbose\n\nexport AIBOM_REQUIRED=yes\nGATE_SLA_MS=0\n'
  assert.deepEqual(refusals(t, dotenv), ['2 LOG_LEVEL', '4 AIBOM_REQUIRED', '5 GATE_SLA_MS'])
  assert.deepEqual(refusals(t, 'GATEWAY_ALLOWED_HOSTS=A_B'), ['1 GATEWAY_ALLOWED_HOSTS'])
  assert.deepEqual(refusals(t, "AUDIT_ORIGIN='my log'"), ['1 AUDIT_ORIGIN'])
})

test('a wrong value of the shell is not looked for in the file', (t) => {
  const shell = { LOG_LEVEL: 'verbose', GATEWAY_PORT: '0' }
  assert.deepEqual(refusals(t, 'LOG_LEVEL=info', shell), ['shell GATEWAY_PORT', 'shell LOG_LEVEL'])
})

test('every name of the example file is either honoured or refused with a sentence', (t) => {
  const root = rootWith(t)
  const defaults = readSettings(root, {})
  // The last part of the file is for containers alone, and says so.
  const [example = '', containers = ''] = readFileSync(exampleFile, 'utf8').split('--- Containers')
  assert.ok(namesIn(containers).every((name) => !namesIn(example).includes(name)))
  for (const name of namesIn(example)) {
    writeFileSync(join(root, '.env'), `${name}=some_thing`)
    try {
      assert.notDeepEqual(readSettings(root, {}), defaults, `${name} is passed over in silence`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      assert.ok(error.message.startsWith(`.env line 1: ${name} `))
    }
  }
})
