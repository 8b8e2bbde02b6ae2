import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ApiKeyError,
  formatApiKeys,
  MOST_BYTES,
  makeKey,
  parseApiKeys,
} from '../../clients/typescript/src/cli/api-keys.ts'
import * as gateway from '../../services/common/src/callers/api-keys.ts'

const TIME = '2026-01-01T00:00:00Z'
const KEY = {
  id: 'abcdefgh',
  name: 'ci',
  scopes: ['admin'],
  sha256: '0'.repeat(64),
  created_at: TIME,
  expires_at: null as string | null,
  revoked_at: null as string | null,
}

/** What a member may be, and what it may not. */
const VALUES: Record<string, readonly unknown[]> = {
  id: ['a1b2c3d4', 'ABCDEFGH', 'abcdefg', 'abcdefghi', 'abcdefg_', '', 7, null],
  name: ['a', 'A.b_c-1', 'x'.repeat(64), 'x'.repeat(65), '', '-a', 'a b', 'é', 'a\n', 7, null],
  scopes: [
    ['audit:read', 'admin'],
    ['admin', 'admin'],
    [],
    ['root'],
    ['ADMIN'],
    [7],
    'admin',
    null,
  ],
  sha256: ['f'.repeat(64), 'F'.repeat(64), 'f'.repeat(63), '', 7, null],
  expires_at: [
    ...[null, TIME, '2026-01-01T00:00Z', '2026-01-01T00:00:00.123456789Z', '0000-01-01T00:00:00Z'],
    ...['2026-01-01T00:00:00+14:00', '2026-01-01T00:00:00+24:00', '2026-01-01T00:00:00+0100'],
    ...[
      '2026-02-29T00:00:00Z',
      '2028-02-29T00:00:00Z',
      '2100-02-29T00:00:00Z',
      '2026-04-31T00:00:00Z',
    ],
    ...[
      '2026-00-01T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-32T00:00:00Z',
    ],
    ...[
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01T00:00:00',
    ],
    ...['2026-01-01t00:00:00z', '2026-01-01 00:00:00Z', '2026-01-01', '', ' ', 0, undefined],
  ],
}

const clientTakes = (value: unknown): boolean => {
  try {
    parseApiKeys(JSON.stringify(value))
    return true
  } catch (error) {
    if (error instanceof ApiKeyError) return false
    throw error
  }
}
/** Through JSON, which has no `undefined`. */
const gatewayTakes = (value: unknown) =>
  gateway.ApiKeyFile.safeParse(JSON.parse(JSON.stringify(value))).success

for (const [name, values] of Object.entries(VALUES)) {
  test(`"aigov keys" and the gateway take and refuse the same as ${name} of a key`, () => {
    const taken = values.map((value) => {
      const file = { v: 1, keys: [{ ...KEY, [name]: value }] }
      assert.equal(clientTakes(file), gatewayTakes(file), `${name}: ${JSON.stringify(value)}`)
      return gatewayTakes(file)
    })
    assert.ok(taken.includes(true) && taken.includes(false))
  })
}

test('they agree on the file around the keys', () => {
  const files: [unknown, boolean][] = [
    [{ v: 1, keys: [] }, true],
    [{ v: 1, keys: [KEY, { ...KEY, id: 'b1b2c3d4' }] }, true],
    [{ v: 1, keys: [KEY, KEY] }, false],
    [{ v: 2, keys: [] }, false],
    [{ keys: [] }, false],
    [{ v: 1, keys: {} }, false],
    [{ v: 1, keys: [], more: 1 }, false],
    [{ v: 1, keys: [{ ...KEY, more: 1 }] }, false],
    [{ v: 1, keys: [null] }, false],
    [[], false],
    [null, false],
  ]
  for (const [file, isRight] of files) {
    assert.deepEqual([clientTakes(file), gatewayTakes(file)], [isRight, isRight])
  }
  assert.equal(MOST_BYTES, gateway.API_KEYS_MAX_BYTES)
})

test('a new key is written as the gateway writes one, and its token is one that the gateway reads', () => {
  const order = { name: 'ci', scopes: ['audit:read'], expiresAt: null } as const
  const { key, token } = makeKey([], order, new Date())
  assert.equal(gateway.parseToken(token), key.id)
  assert.equal(gateway.hashToken(token), key.sha256)
  const file = { v: 1 as const, keys: [key] }
  assert.equal(formatApiKeys(file), gateway.formatApiKeys(file))
})
