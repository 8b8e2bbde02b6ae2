import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { freePort } from '../local/ports.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase } from '../test-support/database.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { serviceProcess } from '../test-support/service-process.ts'

const CLIENTS = 16
const REGISTRATIONS = 400

/** mcp-lineage as a process over a database of its own. */
async function startLineage(t: TestContext) {
  const database = await createTestDatabase()
  const service = serviceProcess({
    name: 'mcp-lineage',
    port: await freePort(),
    env: { DATABASE_URL: database.lineageUrl },
    logFile: join(scratchFolder(t), 'mcp-lineage.log'),
  })
  t.after(async () => {
    await service.end('SIGTERM')
    await database.drop()
  })
  await service.start()
  return { service, database }
}

interface Acknowledged {
  id: number
  record_hash: string
  audit: { id: number; entry_hash: string }
}

/** Registers once under a key, again and again until it is answered with the record. */
async function registerUntilKnown(url: string, n: number): Promise<Acknowledged> {
  for (;;) {
    const answer = await fetch(`${url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `key-${n}` },
      body: JSON.stringify({ model_id: `model-${n % 7}`, version: `${n}`, created_by: 'ann' }),
    }).catch(() => null)
    const text = answer === null ? null : await answer.text().catch(() => null)
    if (answer?.status === 200 && text !== null) return JSON.parse(text)
    assert.ok(
      answer === null || answer.status === 503 || text === null,
      `${answer?.status} ${text}`,
    )
  }
}

test('killed again and again among registrations, mcp-lineage keeps what it acknowledged, once, with its entry', async (t) => {
  const { service, database } = await startLineage(t)
  const acknowledged = new Map<number, Acknowledged>()
  let next = 0
  const client = async () => {
    while (next < REGISTRATIONS) {
      const n = next++
      acknowledged.set(n, await registerUntilKnown(service.url, n))
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, client))
  for (let kill = 1; kill <= 3; kill++) {
    // As much is under way as there are clients, since each that is answered registers the next.
    while (acknowledged.size < (kill * REGISTRATIONS) / 5) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await service.end('SIGKILL')
    await service.start()
  }
  await clients

  const entries = await checkLog(database.ownerUrl)
  assert.equal(entries, REGISTRATIONS)
  const owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const { rows } = await owner.query(
    `SELECT l.id::int, l.version, encode(l.record_hash, 'hex') AS record_hash, a.id::int AS audit_id,
            encode(a.entry_hash, 'hex') AS entry_hash
       FROM model_lineage AS l JOIN audit_log AS a ON a.id = l.audit_id`,
  )
  await owner.end()
  assert.equal(rows.length, REGISTRATIONS)
  for (const row of rows) {
    const { id, record_hash, audit } = acknowledged.get(Number(row.version)) as Acknowledged
    assert.deepEqual(
      [id, record_hash, audit],
      [row.id, row.record_hash, { id: row.audit_id, entry_hash: row.entry_hash }],
    )
  }
  const verdict = (await (await fetch(`${service.url}/verify`)).json()) as { ok: boolean }
  assert.equal(verdict.ok, true)
})
