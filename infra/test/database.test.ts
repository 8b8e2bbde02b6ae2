import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import { createTestDatabase } from '../test-support/database.ts'
import { readServer } from '../test-support/server-variable.ts'

async function ask(url: string, sql: string): Promise<Record<string, unknown>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(sql)
    return rows[0]
  } finally {
    await client.end()
  }
}

test('each address has its own login, and the grants on the database are those of the schema', async (t) => {
  const database = await createTestDatabase()
  t.after(() => database.drop())
  const sql = `SELECT current_user AS me, has_database_privilege(current_database(), 'TEMP') AS temporary`
  assert.deepEqual(await ask(database.auditUrl, sql), { me: 'audit_service', temporary: false })
  assert.deepEqual(await ask(database.lineageUrl, sql), { me: 'lineage_service', temporary: false })
  assert.deepEqual(await ask(database.ownerUrl, sql), { me: 'governance', temporary: true })
})

test('two databases do not see each other, and a dropped one is gone', async (t) => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  t.after(() => other.drop())
  await ask(one.ownerUrl, 'CREATE TABLE mine ()')
  const found = await ask(other.ownerUrl, `SELECT to_regclass('mine') AS mine`)
  assert.deepEqual(found, { mine: null })
  await one.drop()
  await assert.rejects(ask(one.ownerUrl, 'SELECT 1'), { code: '3D000' })
})

test('without the server of the test run the error says how to run a test', () => {
  assert.throws(() => readServer({}), /npm test -- <file>/)
})
