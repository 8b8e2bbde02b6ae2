import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { canReach, runAs } from '../local/postgres-account.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const stranger = { uid: 54_321, gid: 54_321 }

test('a folder that is closed to others keeps the account from everything below', (t) => {
  const folder = scratchFolder(t)
  const file = join(folder, 'open', 'file')
  mkdirSync(join(folder, 'open'))
  writeFileSync(file, '')
  chmodSync(file, 0o644)
  assert.equal(canReach(file, stranger), false)
  chmodSync(folder, 0o711)
  assert.equal(canReach(file, stranger), true)
  chmodSync(file, 0o600)
  assert.equal(canReach(file, stranger), false)
})

test('the owner is judged by the owner’s bits', (t) => {
  const folder = scratchFolder(t)
  const us = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 }
  assert.equal(canReach(folder, us), true)
})

test('without an account a program runs as ourselves', () => {
  assert.deepEqual(runAs(undefined, 'postgres', ['-D']), { file: 'postgres', args: ['-D'] })
})

test('an account that meets no closed folder needs no capability', () => {
  const command = runAs(stranger, 'postgres', ['-D'])
  assert.deepEqual(command, { file: 'postgres', args: ['-D'], ...stranger })
})

test('an account that meets one gets that capability and no other', () => {
  const { file, args } = runAs({ ...stranger, capability: 'dac_read_search' }, 'postgres', ['-D'])
  assert.equal(file, 'setpriv')
  assert.deepEqual(
    args.filter((arg) => arg.includes('caps')),
    ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
  )
  assert.deepEqual(args.slice(-2), ['postgres', '-D'])
})
