import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Client } from 'pg'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'

const script = readFileSync(join(import.meta.dirname, '..', 'verify-log.sql'), 'utf8')
const LENGTH = 20

let database: TestDatabase
let owner: Client
before(async () => {
  database = await createTestDatabase()
  owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  for (let n = 1; n <= LENGTH; n++) {
    // Characters that JSON escapes, that PostgreSQL might, and that are longer than one unit.
    const text = `"\\/\b\f\n\r\t\u0001\u007f\u2028é😀 ${n}`
    await owner.query(
      'SELECT * FROM audit_append(ARRAY[$1], ARRAY[$1], ARRAY[$2::boolean], ARRAY[$3], ARRAY[$4::bytea], ARRAY[$5], ARRAY[$6])',
      [
        text,
        n % 2 === 0,
        `{"n":${n}}`,
        Buffer.alloc(16, n),
        n % 3 === 0 ? text : null,
        n % 5 === 0 ? `r${n}` : null,
      ],
    )
  }
})
after(async () => {
  await owner.end()
  await database.drop()
})

// What follows breaks the log with the rights of a superuser, and takes it back.
beforeEach(() => owner.query('BEGIN; SET LOCAL session_replication_role = replica'))
afterEach(() => owner.query('ROLLBACK'))

async function verdict() {
  const { rows } = await owner.query<{ json_build_object: unknown }>(script)
  return rows[0]?.json_build_object
}

test('a log as it was written is whole', async () => {
  assert.deepEqual(await verdict(), { ok: true, entries: LENGTH, first_bad_id: null, reason: null })
})

test('an empty log is whole', async () => {
  await owner.query('TRUNCATE audit_log CASCADE')
  assert.deepEqual(await verdict(), { ok: true, entries: 0, first_bad_id: null, reason: null })
})

const content = 'entry_hash does not match the content'
const link = 'prev_hash is not the entry_hash of the entry before'
for (const [what, change, reason] of [
  ['another decision', 'decision = NOT decision', content],
  ['another type', "event_type = event_type || ' '", content],
  ['another subject', "subject = 'x'", content],
  ['another actor', "actor = 'key:1'", content],
  ['another request id', "request_id = 'x'", content],
  [
    'another details_hash and details to it',
    `details_hash = sha256(details_salt || '{}'), details = '{}'`,
    content,
  ],
  ['a later time', "created_at = created_at + interval '1 microsecond'", content],
  [
    'an earlier time',
    "created_at = '1970-01-01'",
    'created_at is earlier than that of the entry before',
  ],
  ['other details', `details = '{"n":0}'`, 'details do not match details_hash'],
  [
    'one bit of the salt',
    'details_salt = set_bit(details_salt, 9, 1 - get_bit(details_salt, 9))',
    'details do not match details_hash',
  ],
  [
    'details taken away',
    'details = NULL, details_salt = NULL, erased_by = 99',
    'details are missing and no erasure accounts for it',
  ],
  ['another link', "prev_hash = sha256('')", link],
  ['another hash', "entry_hash = sha256('')", content],
] as const) {
  test(`${what} is found where it is`, async () => {
    await owner.query(`UPDATE audit_log SET ${change} WHERE id = 7`)
    assert.deepEqual(await verdict(), { ok: false, entries: 6, first_bad_id: 7, reason })
  })
}

test('a removed entry is missed at its place', async () => {
  await owner.query('DELETE FROM audit_log WHERE id = 7')
  assert.deepEqual(await verdict(), {
    ok: false,
    entries: 6,
    first_bad_id: 7,
    reason: 'the entry is missing',
  })
})
