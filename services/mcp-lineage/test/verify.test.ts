import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Client } from 'pg'
import { MODEL, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
beforeEach(async () => {
  service = await startService()
  for (let i = 1; i <= 4; i++) {
    await service.register({ ...MODEL, model_id: `m${i}`, metadata: { i }, aibom: { i } })
  }
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  await owner.query("SET session_replication_role = 'replica'")
})
afterEach(async () => {
  await owner.end()
  await service.stop()
})

for (const [column, value] of Object.entries({
  audit_id: '1',
  revision: '7',
  created_at: "created_at + interval '1 microsecond'",
  model_id: "'other'",
  version: "'other'",
  created_by: "'other'",
  artifacts: "ARRAY['sha256:other']",
  parents: `'[{"dataset":"x"}]'`,
  metadata: `'{"i":9}'`,
  aibom: 'NULL',
  record_hash: "sha256('x')",
})) {
  test(`an edited ${column} is named`, async () => {
    await owner.query('ALTER TABLE model_lineage DROP CONSTRAINT model_lineage_audit_id_key')
    await owner.query(`UPDATE model_lineage SET ${column} = ${value} WHERE id = 2`)
    const verdict = await service.get('/verify')
    assert.deepEqual([verdict.ok, verdict.records, verdict.first_bad_id], [false, 1, 2])
  })
}

test('a record that was edited together with its hash is named by its entry', async () => {
  await owner.query(
    `UPDATE model_lineage SET created_by = 'eve', record_hash =
       lineage_record_hash(model_id, version, 'eve', artifacts, parents, metadata, aibom) WHERE id = 3`,
  )
  assert.equal((await service.get('/verify')).first_bad_id, 3)
})

test('a record that was edited together with its entry is named by the hash of the entry', async () => {
  await owner.query(
    `UPDATE model_lineage SET created_by = 'eve', record_hash =
       lineage_record_hash(model_id, version, 'eve', artifacts, parents, metadata, aibom) WHERE id = 3`,
  )
  await owner.query(
    `UPDATE audit_log AS a SET details = '{"record_hash":"' || encode(l.record_hash, 'hex') || '","revision":1}'
       FROM model_lineage AS l WHERE l.id = 3 AND a.id = l.audit_id`,
  )
  assert.equal((await service.get('/verify')).first_bad_id, 3)
})

test('a deleted record is named, in the middle and at the end', async () => {
  await owner.query('DELETE FROM model_lineage WHERE id = 4')
  assert.equal((await service.get('/verify')).first_bad_id, 4)
  await owner.query('DELETE FROM model_lineage WHERE id = 2')
  assert.equal((await service.get('/verify')).first_bad_id, 2)
})

test('verification goes in steps, each with its part of the log', async () => {
  const step = async (query: string) => {
    const { ok, records, next_from_id } = await service.get(`/verify?${query}`)
    return [ok, records, next_from_id]
  }
  assert.deepEqual(await step('limit=3'), [true, 3, 4])
  assert.deepEqual(await step('from_id=4&limit=3'), [true, 1, null])
  await owner.query('DELETE FROM model_lineage WHERE id = 4')
  assert.deepEqual(await step('limit=3'), [true, 3, 4])
  assert.deepEqual(await step('from_id=4'), [false, 0, null])
  await owner.query('DELETE FROM model_lineage WHERE id = 2')
  assert.equal((await service.get('/verify?from_id=3')).first_bad_id, 2)
  assert.equal((await service.get('/verify?from_id=9')).code, 'invalid_request')
})

test('a record without its entry is named', async () => {
  await owner.query('DELETE FROM audit_log WHERE id = 2')
  assert.equal((await service.get('/verify')).first_bad_id, 2)
})

for (const [what, sql, named] of [
  ['has no line', "DELETE FROM lineage_latest WHERE model_id = 'm2'", 2],
  ['names an older record', "UPDATE lineage_latest SET record_id = 2 WHERE model_id = 'm2'", 5],
  ['names another model', "UPDATE lineage_latest SET record_id = 4 WHERE model_id = 'm2'", 2],
  ['names no record', "UPDATE lineage_latest SET record_id = 9 WHERE model_id = 'm2'", 2],
] as const) {
  test(`a model is named whose line in the list of models ${what}`, async () => {
    await service.register({ ...MODEL, model_id: 'm2', version: '2' })
    assert.equal((await service.get('/verify')).ok, true)
    await owner.query('ALTER TABLE lineage_latest DROP CONSTRAINT lineage_latest_record_id_key')
    await owner.query(sql)
    const { ok, first_bad_id, reason } = await service.get('/verify')
    assert.deepEqual([ok, first_bad_id], [false, named])
    assert.equal(reason, 'the list of models leaves it out')
  })
}
