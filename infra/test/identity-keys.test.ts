import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readIdentityKey } from '@ai-governance/common/identity'
import { Failure } from '../failure.ts'
import { ensureIdentityKeys, type IdentityFiles, rotateIdentityKeys } from '../identity-keys.ts'
import { makeIdentityKey } from '../local/data-folder.ts'
import { ensureSecrets } from '../local/secrets.ts'
import { planServices } from '../local/services.ts'
import { readSettings } from '../local/settings.ts'
import { scratchFolder } from '../test-support/scratch.ts'

function newFiles(t: TestContext): IdentityFiles & { all: string[] } {
  const folder = scratchFolder(t)
  const secretFile = join(folder, 'secret')
  const keys = { 'a>b': [join(folder, 'a'), join(folder, 'b')], c: [join(folder, 'c')] }
  return { secretFile, keys, all: [secretFile, ...Object.values(keys).flat()] }
}

const contents = ({ all }: { all: string[] }) => all.map((file) => readFileSync(file, 'utf8'))

test('secret and keys are made once; purposes have different keys', (t) => {
  const files = newFiles(t)
  assert.equal(ensureIdentityKeys(files, 0o600), true)
  const made = contents(files)
  assert.equal(new Set(made).size, 3)
  assert.equal(made[1], made[2])
  assert.equal(ensureIdentityKeys(files, 0o600), false)
  assert.deepEqual(contents(files), made)
  for (const file of files.all) assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('a key that is missing, or is not the one that follows, is put right', (t) => {
  const files = newFiles(t)
  ensureIdentityKeys(files, 0o600)
  const made = contents(files)
  rmSync(files.all[1] as string)
  writeFileSync(files.all[2] as string, 'half-way\n')
  assert.equal(ensureIdentityKeys(files, 0o600), false)
  assert.deepEqual(contents(files), made)
})

test('a file that others may read, or the group may not, is put right', (t) => {
  const files = newFiles(t)
  const umask = process.umask(0o077)
  t.after(() => process.umask(umask))
  ensureIdentityKeys(files, 0o440)
  const made = contents(files)
  const modes = () => files.all.map((file) => statSync(file).mode & 0o777)
  const right = files.all.map(() => 0o440)
  assert.deepEqual(modes(), right)
  for (const file of files.all) chmodSync(file, 0o644)
  assert.equal(ensureIdentityKeys(files, 0o440), false)
  assert.deepEqual(modes(), right)
  assert.deepEqual(contents(files), made)
})

test('a rotation changes all of them, and a lost secret does too', (t) => {
  const files = newFiles(t)
  ensureIdentityKeys(files, 0o600)
  const made = contents(files)
  rotateIdentityKeys(files, 0o600)
  const rotated = contents(files)
  rmSync(files.secretFile)
  assert.equal(ensureIdentityKeys(files, 0o600), true)
  const renewed = contents(files)
  for (let i = 0; i < made.length; i++) {
    assert.equal(new Set([made[i], rotated[i], renewed[i]]).size, 3)
  }
})

test('a damaged secret is told, and no key is made from it', (t) => {
  const files = newFiles(t)
  for (const text of ['', 'short', `${'a'.repeat(43)} b`]) {
    writeFileSync(files.secretFile, text)
    assert.throws(
      () => ensureIdentityKeys(files, 0o600),
      (error) => error instanceof Failure && error.message.startsWith(files.secretFile),
    )
    assert.equal(existsSync(files.all[1] as string), false)
  }
})

test('npm start makes the key for its owner alone, and tells mcp-policy and mcp-audit where it is', (t) => {
  const data = scratchFolder(t)
  const root = scratchFolder(t)
  copyFileSync(join(import.meta.dirname, '../../.env.example'), join(root, '.env.example'))
  const secrets = ensureSecrets(join(data, 'secrets'), undefined, false)
  const identityKey = makeIdentityKey(data)
  assert.equal(statSync(identityKey).mode & 0o777, 0o600)
  assert.equal(readIdentityKey(identityKey, 'X').length, 32)
  const signer = { keyFile: 'k', stateFile: 's' }
  const places = { root, data, secrets, signer, identityKey, postgresPort: 1 }
  const told = planServices(readSettings(root, {}), places).flatMap(({ name, env }) =>
    Object.entries(env)
      .filter(([variable]) => /IDENTITY|AUDIT_URL/.test(variable))
      .map(([variable, value]) => `${name} ${variable}=${value}`),
  )
  assert.deepEqual(told, [
    'mcp-policy AUDIT_URL=http://127.0.0.1:8083',
    `mcp-policy AUDIT_IDENTITY_KEY_PATH=${identityKey}`,
    `mcp-audit POLICY_IDENTITY_KEY_PATH=${identityKey}`,
  ])
})
