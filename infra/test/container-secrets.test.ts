import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { deriveIdentityKey } from '@ai-governance/common/callers/identity'
import { makeSecrets, rotateSecrets } from '../containers/secrets.ts'
import { Failure } from '../failure.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const files = [
  'db/owner',
  'db-migrate/owner',
  'db-migrate/lineage_service',
  'mcp-lineage/lineage_service',
  'db-migrate/audit_service',
  'mcp-audit/audit_service',
]

function volumes(t: TestContext): string {
  const folder = scratchFolder(t)
  for (const name of [
    'db',
    'db-migrate',
    'mcp-lineage',
    'mcp-policy',
    'mcp-audit',
    'mcp-gateway',
  ]) {
    mkdirSync(join(folder, name))
  }
  return folder
}

const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8').trim()

test('each container gets the passwords it needs and no other, for its group to read', (t) => {
  const folder = volumes(t)
  assert.deepEqual(makeSecrets(folder, undefined), [
    'owner',
    'lineage_service',
    'audit_service',
    'identity',
  ])
  const values = files.map((file) => read(folder, file))
  assert.equal(new Set(values).size, 3)
  assert.deepEqual([values[0], values[2], values[4]], [values[1], values[3], values[5]])
  for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o440)
})

test('what is there is kept, and what an interrupted run left out is made from it', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, undefined)
  const before = files.map((file) => read(folder, file))
  rmSync(join(folder, 'db/owner'))
  assert.deepEqual(makeSecrets(folder, undefined), [])
  assert.deepEqual(
    files.map((file) => read(folder, file)),
    before,
  )
})

test('the chosen password is the owner’s, and another one later is refused', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, 'chosen-by-hand')
  assert.equal(read(folder, 'db/owner'), 'chosen-by-hand')
  assert.throws(() => makeSecrets(folder, 'another-password'), Failure)
  assert.equal(read(folder, 'db/owner'), 'chosen-by-hand')
})

test('copies that differ are refused, and a rotation makes them equal', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, undefined)
  const owner = read(folder, 'db/owner')
  rmSync(join(folder, 'mcp-audit/audit_service'))
  writeFileSync(join(folder, 'mcp-audit/audit_service'), 'half-way\n')
  assert.throws(() => makeSecrets(folder, undefined), /docs\/OPERATIONS\.md says under "Rotate"/)
  rotateSecrets(folder, ['audit_service'], undefined)
  assert.deepEqual(makeSecrets(folder, undefined), [])
  assert.notEqual(read(folder, 'mcp-audit/audit_service'), 'half-way')
  assert.equal(read(folder, 'db/owner'), owner)
})

test('a rotation of nothing, or of a name that there is not, is refused', (t) => {
  const folder = volumes(t)
  assert.throws(() => rotateSecrets(folder, [], undefined), Failure)
  assert.throws(() => rotateSecrets(folder, ['toString'], undefined), Failure)
})

const services = ['mcp-lineage', 'mcp-policy', 'mcp-audit']
const identityFiles = [
  'mcp-gateway/identity_secret',
  'mcp-policy/audit_identity_key',
  'mcp-audit/policy_identity_key',
  ...services.map((name) => `${name}/identity_key`),
]

test('each service has a key of its own, mcp-policy and mcp-audit one for their calls, and nobody another’s', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, undefined)
  const [secret, signs, verifies] = identityFiles.map((file) => read(folder, file))
  assert.equal(signs, verifies)
  assert.equal(signs, deriveIdentityKey(secret as string, 'mcp-policy>mcp-audit'))
  const own = services.map((name) => read(folder, `${name}/identity_key`))
  assert.deepEqual(
    own,
    services.map((name) => deriveIdentityKey(secret as string, name)),
  )
  assert.equal(new Set([...own, signs]).size, 4)
  for (const file of identityFiles) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o440)
  const all = readdirSync(folder, { recursive: true }).filter((file) => /identity/.test(`${file}`))
  assert.deepEqual(all.sort(), identityFiles.toSorted())
})

test('a rotation of the identity makes a new secret and keys, and leaves the passwords', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, undefined)
  const before = [...files, ...identityFiles].map((file) => read(folder, file))
  rotateSecrets(folder, ['identity'], undefined)
  const after = [...files, ...identityFiles].map((file) => read(folder, file))
  assert.deepEqual(after.slice(0, files.length), before.slice(0, files.length))
  for (let i = files.length; i < after.length; i++) assert.notEqual(after[i], before[i])
  const [, signs, verifies] = after.slice(files.length)
  assert.equal(signs, verifies)
})

test('the volumes of an older version get the keys that they lack, and keep what they have', (t) => {
  const folder = volumes(t)
  makeSecrets(folder, undefined)
  const before = [...files, ...identityFiles].map((file) => read(folder, file))
  for (const name of services) rmSync(join(folder, name, 'identity_key'))
  assert.deepEqual(makeSecrets(folder, undefined), [])
  assert.deepEqual(
    [...files, ...identityFiles].map((file) => read(folder, file)),
    before,
  )
})
