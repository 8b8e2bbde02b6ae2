import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Client } from 'pg'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { fillLog } from '../test-support/fill-log.ts'

const script = readFileSync(join(import.meta.dirname, '..', 'verify-log.sql'), 'utf8')
const BY_HAND = 20
const FILLED = 600
/** An erasure of entry 9, the hold on entry 22, and the retention that erases 21, 23 and 24. */
const [ERASURE, HOLD, RETENTION] = [FILLED + 1, FILLED + 2, FILLED + 3]
const SALT = "sha256('')::bytea"

let database: TestDatabase
let owner: Client
before(async () => {
  database = await createTestDatabase()
  owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  for (let n = 1; n <= BY_HAND; n++) {
    // Characters that JSON escapes, that PostgreSQL might, and that are longer than one unit.
    const text = `"\\/\b\f\n\r\t\u0001\u007f\u2028é😀 ${n}`
    await owner.query(
      'SELECT * FROM audit_append(ARRAY[$1], ARRAY[$1], ARRAY[$2::boolean], ARRAY[$3], ARRAY[$4::bytea], ARRAY[$5], ARRAY[$6], ARRAY[NULL])',
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
  await fillLog(owner, FILLED)
  const salt = `substr(${SALT}, 1, 16)`
  await owner.query(`SELECT audit_erase_details(9, 'r', 'l', ${salt}, NULL, NULL);
    SELECT audit_hold(NULL, 22, 22, 'r', ${salt}, NULL, NULL);
    SELECT audit_retain(unix_microseconds(now()) + 1000000000, 'model.deployed', 3, 'r', 'l', ${salt}, NULL, NULL)`)
})
after(async () => {
  await owner.end()
  await database.drop()
})

// What follows breaks the log with the rights of a superuser, and takes it back.
beforeEach(() => owner.query('BEGIN; SET LOCAL session_replication_role = replica'))
afterEach(() => owner.query('ROLLBACK'))

async function verdict() {
  const { rows } = await owner.query<{ json_build_object: { first_bad_id: number | null } }>(script)
  return rows[0]?.json_build_object
}

test('a log as it was written is whole', async () => {
  assert.deepEqual(await verdict(), {
    ok: true,
    entries: RETENTION,
    first_bad_id: null,
    reason: null,
  })
})

test('an empty log is whole', async () => {
  await owner.query('TRUNCATE audit_log, audit_subtrees CASCADE')
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

const GONE = 'details = NULL, details_salt = NULL'
const missing = 'details are missing and no erasure accounts for it'
for (const [what, change, id, reason] of [
  [
    'an erasure in the name of an ordinary entry',
    `${GONE}, erased_by = 30 WHERE id = 7`,
    7,
    missing,
  ],
  [
    'an erasure in the name of one of others',
    `${GONE}, erased_by = ${ERASURE} WHERE id = 7`,
    7,
    missing,
  ],
  ['an erasure in the name of a hold', `${GONE}, erased_by = ${HOLD} WHERE id = 7`, 7, missing],
  [
    'an erasure of what must stay',
    `${GONE}, erased_by = ${RETENTION} WHERE id = ${HOLD}`,
    HOLD,
    'an entry of this type is never erased',
  ],
  [
    'one more erasure than was recorded',
    `${GONE}, erased_by = ${RETENTION} WHERE id = 22`,
    RETENTION,
    'the erasure counts 3 entries, and 4 name it',
  ],
  [
    'one erasure less than was recorded',
    `details = '{}', details_salt = substr(${SALT}, 1, 16), details_hash = sha256(substr(${SALT}, 1, 16) || '{}'),
     erased_by = NULL WHERE id = 9`,
    9,
    'entry_hash does not match the content',
  ],
] as const) {
  test(`${what} is found`, async () => {
    await owner.query(`UPDATE audit_log SET ${change}`)
    assert.deepEqual(await verdict(), { ok: false, entries: id - 1, first_bad_id: id, reason })
  })
}

for (const [what, details] of [
  ['no range', '{"count":0}'],
  ['a range of texts', '{"count":0,"first_id":"1","last_id":"2"}'],
  ['a range that ends before it begins', '{"count":0,"first_id":3,"last_id":2}'],
  ['a range up to itself', `{"count":0,"first_id":3,"last_id":${RETENTION + 1}}`],
] as const) {
  test(`an erasure that says ${what} is found`, async () => {
    await owner.query(
      `SELECT audit_attest('audit.details_erased', 's', '${details}', substr(${SALT}, 1, 16), NULL, NULL)`,
    )
    assert.deepEqual(await verdict(), {
      ok: false,
      entries: RETENTION,
      first_bad_id: RETENTION + 1,
      reason: 'an erasure does not say what it erased',
    })
  })
}

for (const [what, change, id, reason] of [
  [
    'an altered subtree',
    "UPDATE audit_subtrees SET root = sha256('') WHERE index = 1",
    257,
    'the stored subtree 1 (entries 257 to 512) is not the root of its entries',
  ],
  [
    'a removed subtree',
    'DELETE FROM audit_subtrees WHERE index = 0',
    1,
    'the stored subtree 0 (entries 1 to 256) is missing',
  ],
  [
    'a subtree of entries to come',
    "INSERT INTO audit_subtrees VALUES (2, sha256(''))",
    513,
    'the stored subtree 2 (entries 513 to 768) has no entries',
  ],
] as const) {
  test(`${what} is named by its first entry`, async () => {
    await owner.query(change)
    assert.deepEqual(await verdict(), { ok: false, entries: id - 1, first_bad_id: id, reason })
  })
}

test('of a bad entry and a bad subtree before it the subtree is named, behind it the entry', async () => {
  await owner.query("UPDATE audit_subtrees SET root = sha256('') WHERE index = 0")
  await owner.query("UPDATE audit_log SET subject = 'x' WHERE id = 300")
  assert.equal((await verdict())?.first_bad_id, 1)
  await owner.query("UPDATE audit_log SET subject = 'x' WHERE id = 7")
  assert.equal((await verdict())?.first_bad_id, 7)
})
