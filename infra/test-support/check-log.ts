import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { Client } from 'pg'

/**
 * Reads every row of the log as the owner and recomputes every hash from docs/FORMATS.md, on purpose
 * without a line of the services' own code. Fails the test at the first row that does not fit. Returns
 * how many entries there are.
 */
export async function checkLog(ownerUrl: string): Promise<number> {
  const client = new Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    const { rows } = await client.query(
      `SELECT id::int, event_type, subject, decision, details, details_salt, details_hash, actor, request_id,
              (extract(epoch FROM created_at) * 1000000)::bigint AS us, prev_hash, entry_hash
         FROM audit_log ORDER BY id`,
    )
    let prev = Buffer.alloc(32)
    let us = 0n
    rows.forEach((row, i) => {
      assert.equal(row.id, i + 1, 'positions have no gap')
      assert.deepEqual(row.prev_hash, prev, `entry ${row.id} continues the one before`)
      assert.ok(BigInt(row.us) >= us, `entry ${row.id} is not earlier than the one before`)
      const details = Buffer.concat([row.details_salt, Buffer.from(row.details)])
      assert.deepEqual(row.details_hash, hash('sha256', details, 'buffer'))
      const envelope = JSON.stringify({
        actor: row.actor,
        decision: row.decision,
        details_hash: row.details_hash.toString('hex'),
        event_type: row.event_type,
        request_id: row.request_id,
        subject: row.subject,
        v: 1,
      })
      const numbers = Buffer.alloc(16)
      numbers.writeBigUInt64BE(BigInt(row.id), 0)
      numbers.writeBigInt64BE(BigInt(row.us), 8)
      const parts = [Buffer.of(2), prev, numbers, hash('sha256', envelope, 'buffer')]
      assert.deepEqual(row.entry_hash, hash('sha256', Buffer.concat(parts), 'buffer'))
      prev = row.entry_hash
      us = BigInt(row.us)
    })
    return rows.length
  } finally {
    await client.end()
  }
}
