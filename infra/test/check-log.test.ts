import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from 'pg'
import { GrowingLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { fillLog } from '../test-support/fill-log.ts'

let database: TestDatabase
let owner: Client
before(async () => {
  database = await createTestDatabase()
  owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
})
after(async () => {
  await owner.end()
  await database.drop()
})

/** What a superuser does, for whom no trigger fires. */
const change = (sql: string) =>
  owner.query(
    `SET session_replication_role = replica; ${sql}; SET session_replication_role = origin`,
  )

test('a growing log holds at each look, from none to pages of entries', async () => {
  const log = new GrowingLog(database.ownerUrl)
  await log.check()
  for (const entries of [1, 2, 2, 12_000]) {
    await fillLog(owner, entries)
    await log.check()
  }
})

for (const [what, sql, expected] of [
  ['lost its last entry', 'DELETE FROM audit_log WHERE id = 12000', /entry 12000 is still there/],
  [
    'has another last entry than it had',
    "UPDATE audit_log SET subject = 'other' WHERE id = 12000",
    /entry 12000 is still the same/,
  ],
  [
    'has a new entry that does not continue it',
    `INSERT INTO audit_log SELECT (jsonb_populate_record(l, '{"id": 12001}')).* FROM audit_log AS l WHERE id = 11999`,
    /entry 12001 continues/,
  ],
] as const) {
  test(`a log is found out at the next look that ${what}`, async (t) => {
    const log = new GrowingLog(database.ownerUrl)
    await log.check()
    await change(`CREATE TABLE kept AS SELECT * FROM audit_log WHERE id = 12000; ${sql}`)
    t.after(() =>
      change(
        'DELETE FROM audit_log WHERE id >= 12000; INSERT INTO audit_log SELECT * FROM kept; DROP TABLE kept',
      ),
    )
    await assert.rejects(log.check(), expected)
  })
}
