import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
beforeEach(async () => {
  service = await startService()
  for (let i = 1; i <= 10; i++) await service.log({ ...EVENT, subject: `m@${i}`, details: { i } })
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  // What the triggers refuse a superuser can still do; this is what verification is for.
  await owner.query("SET session_replication_role = 'replica'")
})
afterEach(async () => {
  await owner.end()
  await service.stop()
})

const verify = async (query = '') => (await service.app.inject({ url: `/verify${query}` })).json()

test('an untouched log verifies, whole and in steps', async () => {
  const { root, ...verdict } = await verify()
  assert.deepEqual(verdict, {
    ok: true,
    entries: 10,
    first_bad_id: null,
    reason: null,
    next_from_id: null,
  })
  const [, , signed = ''] = (await service.app.inject({ url: '/checkpoint' })).body.split('\n')
  assert.equal(root, Buffer.from(signed, 'base64').toString('hex'))
  const first = await verify('?limit=4')
  assert.deepEqual([first.entries, first.next_from_id], [4, 5])
  const second = await verify('?from_id=5&limit=6')
  assert.deepEqual([second.ok, second.entries, second.next_from_id], [true, 6, null])
})

for (const [column, value] of Object.entries({
  created_at: "created_at + interval '1 microsecond'",
  decision: 'NOT decision',
  event_type: "'other'",
  subject: "'other'",
  actor: 'NULL',
  request_id: "'other'",
  details: `'{"i":6}'`,
  details_salt: "sha256('x')::bytea",
  details_hash: "sha256('x')",
  prev_hash: "sha256('x')",
  entry_hash: "sha256('x')",
})) {
  test(`an edited ${column} is named`, async () => {
    const set = column === 'details_salt' ? `substr(${value}, 1, 16)` : value
    await owner.query(`UPDATE audit_log SET ${column} = ${set} WHERE id = 5`)
    const verdict = await verify()
    assert.equal(verdict.ok, false)
    assert.equal(verdict.first_bad_id, 5)
    assert.equal(typeof verdict.reason, 'string')
  })
}

test('a state of the signer that cannot be read is said to be so', async () => {
  writeFileSync(service.signer.stateFile, '{')
  const answer = await service.app.inject({ url: '/verify' })
  assert.deepEqual([answer.statusCode, answer.json().code], [503, 'signer_refused'])
})

test('a deleted entry is named, at the head and in the middle', async () => {
  await owner.query('DELETE FROM audit_log WHERE id = 7')
  assert.equal((await verify()).first_bad_id, 7)
  await owner.query('DELETE FROM audit_log WHERE id = 1')
  assert.equal((await verify()).first_bad_id, 1)
  assert.equal((await verify('?from_id=8')).first_bad_id, 7)
})

test('details that were silently taken away are named', async () => {
  await owner.query(
    'UPDATE audit_log SET details = NULL, details_salt = NULL, erased_by = 9 WHERE id = 4',
  )
  assert.equal((await verify()).first_bad_id, 4)
})

test('a rewritten entry with a recomputed hash is named at its successor', async () => {
  await owner.query(
    `UPDATE audit_log SET decision = false, entry_hash = audit_entry_hash(prev_hash, id, unix_microseconds(created_at),
       audit_event_hash(event_type, subject, false, details_hash, actor, request_id)) WHERE id = 5`,
  )
  assert.equal((await verify()).first_bad_id, 6)
})

test('an entry earlier than the one before it is named, however right its hash is', async () => {
  await owner.query(
    `UPDATE audit_log SET created_at = created_at - interval '1 day', entry_hash = audit_entry_hash(prev_hash, id,
       unix_microseconds(created_at - interval '1 day'),
       audit_event_hash(event_type, subject, decision, details_hash, actor, request_id)) WHERE id = 10`,
  )
  assert.equal((await verify()).first_bad_id, 10)
})

test('details that are not canonical are named, however right their hash is', async () => {
  const audit = new Client({ connectionString: service.database.auditUrl })
  await audit.connect()
  await audit.query(
    `SELECT * FROM audit_append(ARRAY['a'], ARRAY['s'], ARRAY[true], ARRAY['{"b":1,"a":2}'],
       ARRAY[substr(sha256('x'), 1, 16)], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL])`,
  )
  await audit.end()
  assert.equal((await verify()).first_bad_id, 11)
})

test('a step whose start is missing counts no entries', async () => {
  await owner.query('DELETE FROM audit_log WHERE id = 7')
  const { ok, entries, first_bad_id } = await verify('?from_id=8')
  assert.deepEqual({ ok, entries, first_bad_id }, { ok: false, entries: 0, first_bad_id: 7 })
})

test('a start behind the end is 400, right after the end an empty step', async () => {
  assert.equal((await service.app.inject({ url: '/verify?from_id=12' })).statusCode, 400)
  assert.deepEqual((await verify('?from_id=11')).entries, 0)
})

test('a limit beyond 500,000 is 400', async () => {
  assert.equal((await service.app.inject({ url: '/verify?limit=500001' })).statusCode, 400)
})

test('a stored subtree that was altered, dropped or added is named', async () => {
  await fillLog(owner, 600)
  assert.equal((await verify()).ok, true)
  await owner.query("UPDATE audit_subtrees SET root = sha256('x') WHERE index = 1")
  assert.deepEqual((await verify()).first_bad_id, 257)
  assert.deepEqual((await verify('?from_id=300&limit=250')).first_bad_id, 257)
  assert.deepEqual((await verify('?limit=256')).ok, true)
  await owner.query('DELETE FROM audit_subtrees WHERE index = 1')
  assert.match((await verify()).reason, /stored subtree 1 .* is missing/)
  await owner.query('DELETE FROM audit_subtrees WHERE index = 0')
  assert.match((await verify()).reason, /stored subtree 0 .* is missing/)
  await owner.query('SELECT audit_store_subtrees(600)')
  await owner.query("INSERT INTO audit_subtrees VALUES (2, sha256('x'))")
  assert.match((await verify()).reason, /stored subtree 2 .* has no entries/)
})

test('entries that were signed and are gone or rewritten are named, whatever the hashes say', async () => {
  await fillLog(owner, 400)
  await service.app.inject({ url: '/checkpoint' })
  await owner.query('DELETE FROM audit_log WHERE id > 300')
  const cut = await verify()
  assert.deepEqual([cut.ok, cut.entries, cut.first_bad_id], [false, 300, 301])
  await fillLog(owner, 500)
  const rewritten = await verify()
  assert.match(rewritten.reason, /first 400 entries are not those that were signed/)
})
