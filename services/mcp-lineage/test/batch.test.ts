import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { checkLog } from '@ai-governance/infra/test-support/check-log'
import { Client } from 'pg'
import { MODEL, startService } from './service.ts'

// Requests that are sent without waiting for each other travel in one batch, in the order in which they were sent.

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
before(async () => {
  service = await startService()
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
})
after(async () => {
  await owner.end()
  await service.stop()
})
afterEach(async () => {
  await checkLog(service.database.ownerUrl)
  assert.equal((await service.get('/verify')).ok, true)
})

/** Sends all of them at once: status and body of each, and how many transactions wrote entries. */
async function together(requests: (readonly [body: object, headers?: Record<string, string>])[]) {
  const { rows: head } = await owner.query('SELECT coalesce(max(id), 0) AS id FROM audit_log')
  const answers = await Promise.all(
    requests.map(([body, headers]) => service.register(body, headers)),
  )
  const { rows } = await owner.query(
    'SELECT count(DISTINCT xmin::text)::int AS commits, count(*)::int AS entries FROM audit_log WHERE id > $1',
    [head[0].id],
  )
  return {
    ...(rows[0] as { commits: number; entries: number }),
    bodies: answers.map((answer) => answer.json()),
    replayed: answers.map((answer) => answer.headers['idempotency-replayed'] === 'true'),
    codes: answers.map((answer) =>
      answer.statusCode === 200 ? 200 : `${answer.statusCode} ${answer.json().code}`,
    ),
  }
}

test('registrations that arrive together are committed together, in the order in which they came', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `together-${i}`)
  const { commits, codes, bodies } = await together(
    names.map((model_id) => [{ ...MODEL, model_id }] as const),
  )
  assert.equal(commits, 1)
  assert.deepEqual(new Set(codes), new Set([200]))
  assert.deepEqual(
    bodies.map((body) => body.model_id),
    names,
  )
  const first = bodies[0]
  assert.deepEqual(
    bodies.map((body) => [body.id, body.audit.id, body.created_at]),
    names.map((_, i) => [first.id + i, first.audit.id + i, first.created_at]),
  )
})

test('a version may name as its parent another of its batch, before or after it, or one that nobody knows', async () => {
  const child = { ...MODEL, model_id: 'child' }
  const { commits, bodies, codes } = await together([
    [{ ...child, version: '1', parents: [{ model_id: 'parent', version: '1' }] }],
    [{ ...MODEL, model_id: 'parent', version: '1' }],
    [{ ...child, version: '2', parents: [{ model_id: 'parent', version: '1' }] }],
    [{ ...child, version: '3', parents: [{ model_id: 'nobody', version: '9' }] }],
  ])
  assert.deepEqual([commits, codes], [1, [200, 200, 200, 200]])
  assert.deepEqual(bodies[0].parents, [{ model_id: 'parent', version: '1' }])
  assert.deepEqual(bodies[3].parents, [{ model_id: 'nobody', version: '9' }])
})

test('of one version in one batch, equal ones are revisions, and the first decides about the others', async () => {
  const twin = { ...MODEL, model_id: 'twin' }
  const { commits, entries, codes, bodies } = await together([
    [twin],
    [{ ...twin, artifacts: ['sha256:other'] }],
    [{ ...twin, artifacts: ['sha256:bb', 'sha256:aa', 'sha256:aa'] }],
    [{ ...twin, artifacts: [] }],
    [{ ...twin, version: '2', artifacts: ['sha256:other'] }],
    [twin],
  ])
  const conflict = '409 artifacts_conflict'
  assert.deepEqual([commits, entries], [1, 4])
  assert.deepEqual(codes, [200, conflict, 200, conflict, 200, 200])
  assert.deepEqual(
    bodies.map((body) => body.revision),
    [1, undefined, 2, undefined, 1, 3],
  )
})

test('a batch in which everything is refused writes nothing', async () => {
  const known = { ...MODEL, model_id: 'known' }
  await service.register(known)
  const { entries, codes } = await together([
    [{ ...known, artifacts: ['sha256:1'] }],
    [{ ...known, artifacts: ['sha256:2'] }],
  ])
  assert.deepEqual([entries, codes], [0, ['409 artifacts_conflict', '409 artifacts_conflict']])
})

test('a key that is known is replayed or refused beside others that are registered', async () => {
  const keyed = { ...MODEL, model_id: 'keyed' }
  const key = { 'idempotency-key': 'known-key' }
  const original = (await service.register(keyed, key)).json()
  const { commits, entries, codes, bodies, replayed } = await together([
    [{ ...MODEL, model_id: 'beside-1' }, { 'idempotency-key': 'other-key' }],
    [keyed, key],
    [{ ...MODEL, model_id: 'beside-2' }],
  ])
  assert.deepEqual([commits, entries, codes], [1, 2, [200, 200, 200]])
  assert.deepEqual(replayed, [false, true, false])
  assert.deepEqual(bodies[1], original)
  const later = await together([
    [{ ...keyed, created_by: 'eve' }, key],
    [{ ...MODEL, model_id: 'beside-3' }],
  ])
  assert.deepEqual(later.codes, ['409 idempotency_conflict', 200])
  assert.match(later.bodies[0].detail, new RegExp(`entry ${original.audit.id} attests`))
})

test('one key sent several times at once registers once, and its neighbours do not notice', async () => {
  const once = { ...MODEL, model_id: 'once' }
  const key = { 'idempotency-key': 'at-once' }
  const { entries, codes, bodies, replayed } = await together([
    [once, key],
    [{ ...MODEL, model_id: 'neighbour' }],
    [once, key],
    [{ ...once, created_by: 'eve' }, key],
  ])
  assert.equal(entries, 2)
  assert.deepEqual(codes, [200, 200, 200, '409 idempotency_conflict'])
  assert.deepEqual(replayed, [false, false, true, false])
  assert.equal(bodies[2].id, bodies[0].id)
})

test('the key of a registration that was refused is free for the next', async () => {
  const fixed = { ...MODEL, model_id: 'refused-key' }
  await service.register(fixed)
  const key = { 'idempotency-key': 'refused' }
  const { codes } = await together([
    [{ ...fixed, artifacts: ['sha256:x'] }, key],
    [fixed, key],
  ])
  assert.deepEqual(codes, ['409 artifacts_conflict', 200])
})

test('what the database refuses for its data fails alone, and its neighbours are registered', async () => {
  await owner.query(
    `ALTER TABLE model_lineage ADD CONSTRAINT refused_on_purpose CHECK (created_by <> 'mallory')`,
  )
  const { codes } = await together([
    [{ ...MODEL, model_id: 'fault-1' }],
    [{ ...MODEL, model_id: 'fault-2', created_by: 'mallory' }],
    [{ ...MODEL, model_id: 'fault-3' }],
  ])
  await owner.query('ALTER TABLE model_lineage DROP CONSTRAINT refused_on_purpose')
  assert.deepEqual(codes, [200, '500 internal_error', 200])
})

test('a database that computes other hashes than the service is not believed', async () => {
  const unbelieved = async (definition: string, replacement: string) => {
    const { rows } = await owner.query('SELECT pg_get_functiondef($1::regproc) AS text', [
      definition,
    ])
    await owner.query(replacement)
    const { statusCode } = await service.register({ ...MODEL, model_id: 'unbelieved' })
    await owner.query(rows[0].text)
    await owner.query(
      `SET session_replication_role = replica; DELETE FROM model_lineage WHERE model_id = 'unbelieved';
       DELETE FROM audit_log WHERE subject LIKE 'unbelieved@%'; RESET session_replication_role`,
    )
    return statusCode
  }
  assert.equal(
    await unbelieved(
      'audit_entry_hash',
      `CREATE OR REPLACE FUNCTION audit_entry_hash(prev_hash bytea, id bigint, created_at_us bigint, event_hash bytea)
         RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN sha256(event_hash)`,
    ),
    500,
  )
  assert.equal(
    await unbelieved(
      'lineage_record_hash',
      `CREATE OR REPLACE FUNCTION lineage_record_hash(model_id text, version text, created_by text, artifacts text[],
         parents text, metadata text, aibom text) RETURNS bytea LANGUAGE sql STABLE RETURN sha256(convert_to(version, 'UTF8'))`,
    ),
    500,
  )
})
