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
import { deriveIdentityKey } from '@ai-governance/common/callers/identity'
import { Failure } from '../failure.ts'
import { ensureIdentityKeys, type IdentityFiles, rotateIdentityKeys } from '../identity-keys.ts'
import { type IdentityPlaces, makeIdentityKeys } from '../local/data-folder.ts'
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

/** What `npm start` tells its services of identities with these settings. */
function told(t: TestContext, shell: NodeJS.ProcessEnv) {
  const data = scratchFolder(t)
  const root = scratchFolder(t)
  copyFileSync(join(import.meta.dirname, '../../.env.example'), join(root, '.env.example'))
  const secrets = ensureSecrets(join(data, 'secrets'), undefined, false)
  const identity = makeIdentityKeys(join(data, 'secrets'))
  const signer = { keyFile: 'k', stateFile: 's' }
  const places = { root, data, secrets, signer, identity, postgresPort: 1 }
  const variables = planServices(readSettings(root, shell), places).flatMap(({ name, env }) =>
    Object.entries(env)
      .filter(([variable]) => /IDENTITY|AUTH_MODE/.test(variable))
      .map(([variable, value]) => `${name} ${variable}=${value}`),
  )
  return { identity, variables }
}

const variablesOf = (
  { secretFile, keyFiles, policyToAudit }: IdentityPlaces,
  required: boolean,
) => [
  `mcp-lineage IDENTITY_KEY_PATH=${keyFiles['mcp-lineage']}`,
  `mcp-lineage IDENTITY_REQUIRED=${required}`,
  `mcp-policy IDENTITY_KEY_PATH=${keyFiles['mcp-policy']}`,
  `mcp-policy IDENTITY_REQUIRED=${required}`,
  `mcp-policy AUDIT_IDENTITY_KEY_PATH=${policyToAudit}`,
  `mcp-audit IDENTITY_KEY_PATH=${keyFiles['mcp-audit']}`,
  `mcp-audit IDENTITY_REQUIRED=${required}`,
  `mcp-audit POLICY_IDENTITY_KEY_PATH=${policyToAudit}`,
  `mcp-gateway IDENTITY_SECRET_PATH=${secretFile}`,
]

test('npm start makes keys for their owner alone, each service’s own, and tells each where its own is', (t) => {
  const { identity, variables } = told(t, {})
  const { secretFile, keyFiles, policyToAudit } = identity
  const files = [secretFile, ...Object.values(keyFiles), policyToAudit]
  for (const file of files) assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(new Set(files.map((file) => readFileSync(file, 'utf8'))).size, 5)
  const secret = readFileSync(secretFile, 'utf8').trim()
  for (const [name, file] of Object.entries(keyFiles)) {
    assert.equal(readFileSync(file, 'utf8').trim(), deriveIdentityKey(secret, name))
  }
  // Unsigned calls are taken where nobody shows who they are, and the gateway signs its own all the same.
  const expected = [...variablesOf(identity, false), 'mcp-gateway AUTH_MODE=none']
  assert.deepEqual(variables.toSorted(), expected.toSorted())
})

test('npm start with credentials has services take signed calls alone', (t) => {
  for (const mode of ['keys', 'oidc']) {
    const { identity, variables } = told(t, { AUTH_MODE: mode })
    const expected = [...variablesOf(identity, true), `mcp-gateway AUTH_MODE=${mode}`]
    assert.deepEqual(variables.toSorted(), expected.toSorted())
  }
})
