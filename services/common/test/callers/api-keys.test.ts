import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiKeyFile, formatApiKeys, hashToken, parseToken } from '../../src/callers/api-keys.ts'

const TOKEN = `mcp_k3v9x2ab_${'A'.repeat(43)}`
const KEY = {
  id: 'k3v9x2ab',
  name: 'ci',
  scopes: ['policy:evaluate', 'audit:read'],
  sha256: hashToken(TOKEN),
  created_at: '2026-11-23T10:00:00Z',
  expires_at: '2027-02-21T11:00:00.5+01:00',
  revoked_at: null,
}
const isFile = (value: unknown): boolean => ApiKeyFile.safeParse(value).success
const isKey = (changes: object): boolean => isFile({ v: 1, keys: [{ ...KEY, ...changes }] })

test('the hash of a token is the SHA-256 of its whole text, in hex', () => {
  // printf %s mcp_k3v9x2ab_AAA… | sha256sum
  assert.equal(KEY.sha256, 'a6591ced865dd3ea42814465cb2edb64f3d650082c72c590d693488da6b25593')
})

test('a token has one form', () => {
  assert.equal(parseToken(TOKEN), 'k3v9x2ab')
  const wrong = [
    '',
    TOKEN.slice(0, -1),
    `${TOKEN}A`,
    ` ${TOKEN}`,
    `${TOKEN}\n`,
    TOKEN.replace('mcp', 'MCP'),
    TOKEN.replace('k3v9x2ab', 'K3v9x2ab'),
    TOKEN.replace('k3v9x2ab', 'k3v9x2a'),
    TOKEN.replace('ab_', 'ab-'),
    TOKEN.replace('AAA', 'A+A'),
    TOKEN.replace('AAA', 'AA='),
  ]
  for (const token of wrong) assert.equal(parseToken(token), null, token)
})

test('what is written can be read, and ends in a line break', () => {
  const file = ApiKeyFile.parse({ v: 1, keys: [KEY] })
  const text = formatApiKeys(file)
  assert.ok(text.endsWith('}\n'))
  assert.deepEqual(ApiKeyFile.parse(JSON.parse(text)), file)
  assert.ok(isFile({ v: 1, keys: [] }))
})

test('a member that is missing, not known or not of its form is refused', () => {
  assert.ok(isKey({}))
  for (const name of Object.keys(KEY)) assert.ok(!isKey({ [name]: undefined }), name)
  const wrong: object[] = [
    { x: 1 },
    { token: TOKEN },
    { id: 'K3V9X2AB' },
    { id: 'k3v9x2abc' },
    { name: '' },
    { name: '-ci' },
    { name: 'a b' },
    { name: 'ci\n' },
    { name: 'a'.repeat(65) },
    { scopes: [] },
    { scopes: 'admin' },
    { scopes: ['Admin'] },
    { sha256: KEY.sha256.toUpperCase() },
    { sha256: KEY.sha256.slice(1) },
    { created_at: null },
    { expires_at: '2027-02-21' },
    { expires_at: '2027-02-21T10:00:00' },
    { expires_at: '2027-02-30T10:00:00Z' },
    { expires_at: 1_800_000_000 },
    { revoked_at: true },
  ]
  for (const changes of wrong) assert.ok(!isKey(changes), JSON.stringify(changes))
  for (const value of [
    null,
    [],
    {},
    { v: 1 },
    { keys: [] },
    { v: '1', keys: [] },
    { v: 1, keys: {} },
  ]) {
    assert.ok(!isFile(value), JSON.stringify(value))
  }
  assert.ok(!isFile({ v: 1, keys: [KEY, { ...KEY, name: 'other' }] }))
})
