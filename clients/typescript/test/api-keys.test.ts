import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiKeyError, parseApiKeys } from '../src/cli/api-keys.ts'
import { Exit } from '../src/cli/exit.ts'
import { expiryOf } from '../src/cli/key-expiry.ts'

const KEY = {
  id: 'abcdefgh',
  name: 'ci',
  scopes: ['admin'],
  sha256: '0'.repeat(64),
  created_at: '2026-01-01T00:00:00Z',
  expires_at: null,
  revoked_at: null,
}
for (const [what, text] of [
  ['no JSON', '{'],
  ['a list', '[]'],
  ['another version', JSON.stringify({ v: 2, keys: [] })],
  ['one with more members', JSON.stringify({ v: 1, keys: [], more: 1 })],
  ['one with a name twice', '{"v":1,"v":1,"keys":[]}'],
  ['one with an id twice', JSON.stringify({ v: 1, keys: [KEY, { ...KEY, name: 'b' }] })],
  ['one with a key that is none', JSON.stringify({ v: 1, keys: [7] })],
  ['one whose key has more members', JSON.stringify({ v: 1, keys: [{ ...KEY, token: 'x' }] })],
  [
    'one whose key lacks a member',
    JSON.stringify({ v: 1, keys: [{ ...KEY, expires_at: undefined }] }),
  ],
  ['one of an unknown scope', JSON.stringify({ v: 1, keys: [{ ...KEY, scopes: ['root'] }] })],
  [
    'one with a day that is not',
    JSON.stringify({ v: 1, keys: [{ ...KEY, created_at: '2026-02-30T00:00:00Z' }] }),
  ],
] as const) {
  test(`a file of keys that is ${what} is refused`, () => {
    assert.throws(() => parseApiKeys(text), ApiKeyError)
  })
}

test('a file of keys that is right is read, times of every form of RFC 3339 included', () => {
  const keys = ['2026-01-01T00:00:00Z', '2028-02-29T23:59:59.123456+14:00'].map((time, at) => ({
    ...KEY,
    id: `abcdefg${at}`,
    expires_at: time,
    revoked_at: time,
  }))
  assert.deepEqual(parseApiKeys(JSON.stringify({ v: 1, keys })), { v: 1, keys })
})

const NOW = new Date('2026-11-23T12:00:00Z')

for (const [text, expiry] of [
  [undefined, '2027-02-21T12:00:00.000Z'],
  ['1d', '2026-11-24T12:00:00.000Z'],
  ['never', null],
  ['2999-12-31T23:30:00-01:00', '3000-01-01T00:30:00.000Z'],
] as const) {
  test(`--expires ${text} is ${expiry}`, () => assert.equal(expiryOf(text, NOW), expiry))
}

for (const text of [
  ...['', '0d', '3651d', '-1d', '1.5d', '1h', '90', 'soon', 'Never', '2027-01-01'],
  ...[
    '2027-02-30T00:00:00Z',
    '2027-01-01T24:00:00Z',
    '2027-01-01t00:00:00z',
    '2026-11-23T12:00:00Z',
  ],
]) {
  test(`--expires ${text} is refused`, () => assert.throws(() => expiryOf(text, NOW), Exit))
}
