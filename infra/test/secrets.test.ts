import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure } from '../failure.ts'
import { ensureSecrets, readSecret } from '../local/secrets.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('passwords are made once, differ, and are for their owner alone', (t) => {
  const dir = join(scratchFolder(t), 'secrets')
  const files = Object.values(ensureSecrets(dir, undefined, false))
  const made = files.map(readSecret)
  assert.equal(new Set(made).size, 3)
  assert.deepEqual(Object.values(ensureSecrets(dir, undefined, false)).map(readSecret), made)
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  for (const file of files) assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('a chosen password is kept, and another one later is refused', (t) => {
  const dir = scratchFolder(t)
  assert.equal(readSecret(ensureSecrets(dir, 'chosen-by-hand', false).owner), 'chosen-by-hand')
  assert.throws(() => ensureSecrets(dir, 'another-password', true), Failure)
})

test('an emptied password file is refused', (t) => {
  const { owner } = ensureSecrets(scratchFolder(t), undefined, false)
  writeFileSync(owner, '')
  assert.throws(() => readSecret(owner), Failure)
})
