import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { checkLog } from '@ai-governance/infra/test-support/check-log'
import { Client } from 'pg'
import { MODEL, startService } from './service.ts'

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
  assert.deepEqual(await service.get('/verify'), {
    ok: true,
    records: (await owner.query('SELECT count(*)::int AS n FROM model_lineage')).rows[0].n,
    first_bad_id: null,
    reason: null,
    next_from_id: null,
  })
})

test('a registration is answered with the record and the entry that attests it', async () => {
  const answer = await service.register(
    {
      ...MODEL,
      metadata: { z: 1, a: { framework: 'torch' } },
      parents: [{ dataset: 's3://claims' }, { model_id: 'base', version: '1' }],
      aibom: { data: { x: 1 }, signature: '00' },
    },
    { 'x-request-id': 'req-9' },
  )
  assert.equal(answer.statusCode, 200)
  const record = answer.json()
  assert.deepEqual(Object.keys(record), [
    ...['id', 'model_id', 'version', 'revision', 'artifacts', 'created_by', 'metadata', 'aibom'],
    ...['parents', 'created_at', 'record_hash', 'audit'],
  ])
  assert.deepEqual(record.artifacts, MODEL.artifacts)
  assert.deepEqual(record.parents, [{ dataset: 's3://claims' }, { model_id: 'base', version: '1' }])
  const { rows } = await owner.query(
    `SELECT *, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
       FROM audit_log WHERE id = $1`,
    [record.audit.id],
  )
  assert.equal(rows[0].event_type, 'lineage.registered')
  assert.equal(rows[0].subject, 'fraud-detector@1.2.3')
  assert.equal(rows[0].request_id, 'req-9')
  assert.equal(rows[0].actor, 'anonymous')
  assert.equal(rows[0].details, `{"record_hash":"${record.record_hash}","revision":1}`)
  assert.equal(rows[0].entry_hash.toString('hex'), record.audit.entry_hash)
  assert.equal(rows[0].at, record.created_at)
})

test('what is left out is stored as empty', async () => {
  const answer = await service.register({ model_id: 'bare', version: '1', created_by: 'ann' })
  const { artifacts, parents, metadata, aibom } = answer.json()
  assert.deepEqual(
    { artifacts, parents, metadata, aibom },
    { artifacts: [], parents: [], metadata: {}, aibom: null },
  )
})

test('registering a version again with the same artifacts in any order appends a revision', async () => {
  const again = { ...MODEL, model_id: 'again' }
  assert.equal((await service.register(again)).json().revision, 1)
  const reordered = {
    ...again,
    artifacts: ['sha256:bb', 'sha256:aa', 'sha256:bb'],
    created_by: 'bob',
  }
  const second = (await service.register(reordered)).json()
  assert.equal(second.revision, 2)
  assert.deepEqual(second.artifacts, reordered.artifacts)
})

test('the artifacts of a version cannot change: 409, and nothing is written', async () => {
  const fixed = { ...MODEL, model_id: 'fixed' }
  await service.register(fixed)
  const before = await checkLog(service.database.ownerUrl)
  for (const artifacts of [['sha256:aa'], ['sha256:aa', 'sha256:cc'], [], undefined]) {
    const answer = await service.register({ ...fixed, artifacts })
    assert.equal(answer.statusCode, 409)
    assert.equal(answer.json().code, 'artifacts_conflict')
  }
  assert.equal(await checkLog(service.database.ownerUrl), before)
  assert.equal((await service.register({ ...fixed, version: '2', artifacts: [] })).statusCode, 200)
})

test('concurrent registrations of one version make one revision each', async () => {
  const model = { ...MODEL, model_id: 'busy' }
  const answers = await Promise.all(Array.from({ length: 40 }, () => service.register(model)))
  assert.deepEqual(new Set(answers.map((answer) => answer.statusCode)), new Set([200]))
  const revisions = answers.map((answer) => answer.json().revision).sort((a, b) => a - b)
  assert.deepEqual(
    revisions,
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
})

test('of concurrent registrations with different artifacts one wins', async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      service.register({ ...MODEL, model_id: 'race', artifacts: [`sha256:${i}`] }),
    ),
  )
  assert.equal(answers.filter((answer) => answer.statusCode === 200).length, 1)
  assert.equal(answers.filter((answer) => answer.statusCode === 409).length, 9)
})

test('a bill of materials of several MiB is stored and answered as it was', async () => {
  const components = Array.from({ length: 20_000 }, (_, i) => ({
    name: `component-${i}`,
    hash: 'a'.repeat(64),
  }))
  const answer = await service.register({ ...MODEL, model_id: 'large', aibom: { components } })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.json().aibom.components.length, 20_000)
})

for (const [what, body] of Object.entries({
  'no model_id': { ...MODEL, model_id: undefined },
  'a model_id that is a number': { ...MODEL, model_id: 7 },
  'a model_id of 201 characters': { ...MODEL, model_id: 'x'.repeat(201) },
  'a version of 101 characters': { ...MODEL, version: 'x'.repeat(101) },
  'artifacts that are a string': { ...MODEL, artifacts: 'sha256:aa' },
  'a null artifact': { ...MODEL, artifacts: [null] },
  'a parent of no kind': { ...MODEL, parents: [{ name: 'x' }] },
  'a parent of both kinds': { ...MODEL, parents: [{ dataset: 'x', model_id: 'y', version: '1' }] },
  'metadata that is a list': { ...MODEL, metadata: [] },
  'an aibom that is a string': { ...MODEL, aibom: 'x' },
  'an unknown member': { ...MODEL, revision: 3 },
  'U+0000 in a name': '{"model_id":"a\\u0000","version":"1","created_by":"x"}',
})) {
  test(`${what} is 400`, async () => {
    assert.equal((await service.register(body)).statusCode, 400)
  })
}
