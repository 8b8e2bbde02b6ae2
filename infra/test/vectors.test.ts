import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Client } from 'pg'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../docs/vectors/${name}`, import.meta.url), 'utf8'))

let database: TestDatabase
let client: Client
before(async () => {
  database = await createTestDatabase()
  client = new Client({ connectionString: database.ownerUrl })
  await client.connect()
})
after(async () => {
  await client.end()
  await database.drop()
})

for (const entry of read('audit-entries.json').entries) {
  test(`SQL gives audit entry ${entry.id} the hashes of its vector`, async () => {
    const { rows } = await client.query(
      `WITH v AS (SELECT audit_details_hash(decode($1, 'hex'), $2) AS details_hash),
            e AS (SELECT details_hash, audit_event_hash($3, $4, $5, details_hash, $6, $7) AS event_hash FROM v)
       SELECT encode(details_hash, 'hex') AS details_hash, encode(event_hash, 'hex') AS event_hash,
              encode(audit_entry_hash(decode($8, 'hex'), $9, unix_microseconds($10), event_hash), 'hex')
                AS entry_hash
         FROM e`,
      [
        entry.details_salt,
        entry.details,
        entry.event_type,
        entry.subject,
        entry.decision,
        entry.actor,
        entry.request_id,
        entry.prev_hash,
        entry.id,
        entry.created_at,
      ],
    )
    assert.deepEqual(rows[0], {
      details_hash: entry.details_hash,
      event_hash: entry.event_hash,
      entry_hash: entry.entry_hash,
    })
  })
}

for (const record of read('lineage-records.json').records) {
  test(`SQL gives the record of ${record.model_id} the hash of its vector`, async () => {
    const { rows } = await client.query(
      `SELECT encode(lineage_record_hash($1, $2, $3, $4, $5, $6, $7), 'hex') AS record_hash`,
      [
        record.model_id,
        record.version,
        record.created_by,
        record.artifacts,
        record.parents,
        record.metadata,
        record.aibom,
      ],
    )
    assert.equal(rows[0].record_hash, record.record_hash)
  })
}
