import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readComposeSettings, setByCompose } from '../containers/compose-settings.ts'
import { namesIn } from '../dotenv.ts'
import { Failure } from '../failure.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const root = join(import.meta.dirname, '..', '..')

function checkout(t: TestContext, dotenv: string): string {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, '.env.example'), readFileSync(join(root, '.env.example')))
  writeFileSync(join(folder, '.env'), dotenv)
  return folder
}

test('the password in .env is taken as it stands, without any substitution', (t) => {
  const folder = checkout(t, "POSTGRES_PASSWORD='it$HOME%40:@/?&+correct;horse'\nGATEWAY_PORT=1\n")
  assert.equal(
    readComposeSettings(folder).get('POSTGRES_PASSWORD'),
    'it$HOME%40:@/?&+correct;horse',
  )
})

test('without a .env, or without a value, there is no chosen password', (t) => {
  assert.equal(readComposeSettings(scratchFolder(t)).size, 0)
  assert.equal(readComposeSettings(checkout(t, 'POSTGRES_PASSWORD=\n')).size, 0)
})

test('a short password, an odd owner and an unknown name are refused', (t) => {
  for (const line of [
    'POSTGRES_PASSWORD=short',
    'POSTGRES_USER=Über',
    'POSTGRES_PASSWROD=abcdefgh',
  ]) {
    assert.throws(() => readComposeSettings(checkout(t, `${line}\n`)), Failure)
  }
})

test('what the compose file sets itself is refused, and .env.example marks just that with [stack]', (t) => {
  for (const name of setByCompose) {
    assert.throws(() => readComposeSettings(checkout(t, `${name}=8000\n`)), Failure)
  }
  const example = readFileSync(join(root, '.env.example'), 'utf8')
  const marked = example
    .split('\n\n')
    .filter((paragraph) => /^# .*\[stack\]$/m.test(paragraph) && !paragraph.startsWith('# [stack]'))
    .flatMap((paragraph) => namesIn(paragraph))
  assert.deepEqual(new Set(marked), new Set(setByCompose))
})

for (const line of [
  'GATEWAY_PORT=99999',
  'GATEWAY_PORT=0',
  'GATEWAY_BIND=0.0.0.0',
  'GATEWAY_BIND=localhost',
  'AUTH_MODE=password',
  'API_KEYS_PATH=keys.json',
  'OIDC_CA_PATH=../elsewhere.pem',
  'IDENTITY_REQUIRED=false',
  'POLICIES_DIR=policies',
  'AIBOM_PUBLIC_KEY_PATH=../elsewhere.pem',
  'AUDIT_WITNESSES_PATH=../elsewhere.txt',
  'AUDIT_ORIGIN=a log',
  'AUDIT_ORIGIN=a+b',
  'LOG_LEVEL=loud',
  'RATE_LIMIT_PER_KEY=fast',
  'RATE_LIMIT_PER_ADDRESS=0',
  'OIDC_ISSUER=http://id.example.org',
  'OIDC_ALGORITHMS=HS256',
  'AIBOM_REQUIRED=ja',
  'GATE_SLA_MS=1.5',
  'OFFLINE=yes',
  'POSTGRES_USER=audit_service',
  'POSTGRES_USER=lineage_service',
]) {
  test(`${line} is refused before anything starts, with a sentence that names it`, (t) => {
    const [name = ''] = line.split('=')
    assert.throws(
      () => readComposeSettings(checkout(t, `${line}\n`)),
      (error: Error) => error instanceof Failure && error.message.startsWith(`${name} `),
    )
  })
}

test('with credentials the gateway may be published where others can connect', (t) => {
  const lines = ['AUTH_MODE=keys', 'GATEWAY_BIND=0.0.0.0', 'API_KEYS_PATH=infra/api-keys/a.json']
  assert.equal(readComposeSettings(checkout(t, lines.join('\n'))).size, lines.length)
})

test('what is right is taken, with the line ends of any system', (t) => {
  const lines = [
    'GATEWAY_PORT=65535',
    'GATEWAY_BIND=127.0.0.2',
    'AUTH_MODE=none',
    'POLICIES_DIR=./policies',
    'AIBOM_PUBLIC_KEY_PATH=infra/keys/mine.pem',
    'AUDIT_ORIGIN=audit.example.org/governance',
    'AUDIT_WITNESSES_PATH=infra/keys/witnesses.txt',
    'LOG_LEVEL=debug',
    'COMPOSE_PROJECT_NAME=mine',
  ]
  assert.equal(readComposeSettings(checkout(t, lines.join('\r\n'))).size, lines.length)
})
