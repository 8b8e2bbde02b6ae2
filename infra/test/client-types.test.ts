import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Client,
  createClient,
  GovernanceError,
  readCheckpoint,
  verifyConsistencyProof,
  verifyExport,
  verifyInclusionProof,
} from '../../clients/typescript/src/index.ts'
import { OkAnswer } from '../../services/common/src/answers.ts'
import { ProblemAnswer } from '../../services/common/src/errors.ts'
import * as audit from '../../services/mcp-audit/src/answers.ts'
import * as gateway from '../../services/mcp-gateway/src/answers.ts'
import * as lineage from '../../services/mcp-lineage/src/answers.ts'
import * as policy from '../../services/mcp-policy/src/answers.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

let database: TestDatabase
let stack: Stack
let client: Client
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
  client = createClient({ baseUrl: stack.gateway.url })
})
after(async () => {
  await stack.stop()
  await database.drop()
})

/** What the schema makes of an answer must be the answer: nothing was stripped or changed. */
function assertFits(schema: { parse(value: unknown): unknown }, answer: unknown): void {
  assert.deepEqual(schema.parse(answer), answer)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const array: T[] = []
  for await (const item of items) array.push(item)
  return array
}

async function refusal(call: Promise<unknown>): Promise<GovernanceError> {
  const error = await call.then(
    () => assert.fail('the call was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GovernanceError)
  return error
}

const MODEL = {
  model_id: 'org/fraud;detector',
  version: '1.0.0',
  created_by: 'team',
  artifacts: ['sha256:aa'],
  parents: [{ model_id: 'base', version: '4' }, { dataset: 'claims' }],
  metadata: { framework: 'pytorch', é: [1, 2.5, null] },
  aibom: { data: { model_id: 'x' }, signature: '00' },
}

test('every probe answers in the shape of its schema', async () => {
  for (const service of [client.gateway, client.lineage, client.policy, client.audit]) {
    assertFits(OkAnswer, await service.health())
    assertFits(policy.ReadyAnswer, await service.ready())
  }
})

test('the gateway answers in the shapes of its schemas', async () => {
  assertFits(gateway.DirectoryAnswer, await client.gateway.directory())
  const answer = await client.gateway.registerModel({ ...MODEL, model_id: 'by-gateway' })
  assertFits(gateway.RegisteredAnswer, answer)
  assertFits(lineage.RecordAnswer, answer.lineage)
})

test('the gate and its summaries answer in the shapes of their schemas', async () => {
  const payload = { artifacts: [`sha256:${'c0'.repeat(32)}`] }
  const { allowed, decision, audit: entry } = await client.gateway.gate({ payload, subject: 's' })
  assert.equal(allowed, false)
  assertFits(policy.DecisionAnswer, decision)
  assertFits(audit.EntryAnswer, entry)
  assertFits(audit.EnvelopeAnswer, await client.audit.vsa(entry.id))
  const proven = await client.gateway.gate({ payload, subject: 's' }, { proof: true })
  assertFits(audit.ProvenEntryAnswer, proven.audit)
})

test('mcp-lineage answers in the shapes of its schemas', async () => {
  const record = await client.lineage.register(MODEL)
  assertFits(lineage.RecordAnswer, record)
  const bare = await client.lineage.register({ model_id: 'bare', version: '1', created_by: 'me' })
  assertFits(lineage.RecordAnswer, bare)
  assert.deepEqual(await all(client.lineage.revisions(MODEL.model_id)), [record])
  const { items } = await client.lineage.revisionsPageByPath('bare', { version: '1' })
  assert.deepEqual(items, [bare])
  assertFits(lineage.RecordsAnswer, (await client.lineage.modelsPage()).items)
  assertFits(lineage.VerdictAnswer, await client.lineage.verify())
  const step = await client.lineage.verify({ from_id: 1, limit: 1 })
  assertFits(lineage.VerdictAnswer, step)
  assert.equal(step.next_from_id, 2)
})

test('mcp-policy answers in the shapes of its schemas', async () => {
  assertFits(policy.PoliciesAnswer, await client.policy.policies())
  assert.equal(typeof (await client.policy.policySchema()).title, 'string')
  const subject = { model_id: 'm', version: '1' }
  assertFits(policy.AibomAnswer, await client.policy.verifyAibom(null))
  assertFits(policy.AibomAnswer, await client.policy.verifyAibom({ data: subject }, subject))
  const never = await refusal(client.policy.activatedPolicies(`sha256:${'0'.repeat(64)}`))
  assert.deepEqual([never.status, never.code], [404, 'not_found'])
  const risk = { ...EXAMPLE_PAYLOAD.risk, data_sensitivity: 5 }
  for (const payload of [
    {},
    { ...EXAMPLE_PAYLOAD, risk },
    { model_class: 7, use_case: 'hr-screening', oversight: { human: 'on-the-loop' }, risk },
    { aibom: { data: {}, signature: '00'.repeat(64), key_id: 'ab' } },
    { aibom: { data: {}, signature: 'short' } },
    { aibom: { bomFormat: 'CycloneDX' } },
  ]) {
    assertFits(policy.DecisionAnswer, await client.policy.validate(payload))
    assertFits(policy.DecisionAnswer, await client.policy.validateV1(payload))
  }
})

test('mcp-audit answers in the shapes of its schemas', async () => {
  const entry = await client.audit.log({
    event_type: 'model.released',
    subject: 'a@1',
    decision: false,
    details: { nested: { é: [1.5e300, 'x', null] } },
  })
  assertFits(audit.EntryAnswer, entry)
  assert.deepEqual(await client.audit.event(entry.id), entry)
  const { items } = await client.audit.eventsPage({ decision: false, subject: 'a@1' })
  assert.deepEqual(items, [entry])
  const entries = await all(client.audit.export())
  assertFits(audit.EventsAnswer, entries)
  assert.deepEqual(entries.at(-1), entry)
  assertFits(audit.VerdictAnswer, await client.audit.verify())
  assertFits(audit.VerdictAnswer, await client.audit.verify({ from_id: 1, limit: 1 }))
})

test('checkpoints and proofs answer in the shapes of their schemas, and hold', async () => {
  const { audit: pinned } = createClient({
    baseUrl: stack.gateway.url,
    auditKey: stack.verifierKey,
  })
  assert.equal(await pinned.checkpointKey(), stack.verifierKey)
  const before = readCheckpoint(await pinned.checkpoint())
  const event = {
    event_type: 'proven',
    subject: 'p@1',
    decision: true,
    details: { b: 1, a: [0.5] },
  }
  const entry = await pinned.log(event, { proof: true })
  assertFits(audit.ProvenEntryAnswer, entry)
  const batch = await pinned.logBatch([event, { ...event, subject: 'p@2' }])
  assertFits(audit.EventsAnswer, batch)
  const inclusion = await pinned.inclusionProof(entry.id)
  assertFits(audit.InclusionAnswer, inclusion)
  assert.ok(verifyInclusionProof(inclusion, entry.entry_hash, stack.verifierKey))
  const older = await pinned.inclusionProof(entry.id, entry.id)
  assert.equal(older.size, entry.id)
  const consistency = await pinned.consistencyProof(before.size)
  assertFits(audit.ConsistencyAnswer, consistency)
  assert.ok(verifyConsistencyProof(consistency, before.root, stack.verifierKey))
  const { size } = readCheckpoint(await pinned.checkpoint())
  assert.equal((await pinned.tile(0, 0, size)).length, 32 * size)
  assert.equal((await pinned.entryTile(0, size)).length, 34 * size)
})

test('a change under one key is made once, whoever sends it again', async () => {
  const event = { event_type: 'keyed', subject: 'k@1', decision: true }
  const idempotencyKey = 'one-and-the-same'
  const first = await client.audit.log(event, { idempotencyKey })
  assert.deepEqual(await client.audit.log(event, { idempotencyKey }), first)
  const other = { ...event, decision: false }
  const refused = await refusal(client.audit.log(other, { idempotencyKey }))
  assert.equal(refused.code, 'idempotency_conflict')
  const model = { model_id: 'keyed', version: '1', created_by: 'me' }
  const record = await client.lineage.register(model, { idempotencyKey: 'r' })
  assert.deepEqual(await client.lineage.register(model, { idempotencyKey: 'r' }), record)
})

test('erasures, holds and retention answer in the shapes of their schemas', async () => {
  const event = { event_type: 'held', subject: 'h@1', decision: true, details: { n: 1 } }
  const { id } = await client.audit.log(event)
  const grounds = { reason: 'asked for', legal_basis: 'GDPR Art. 17' }
  const hold = await client.audit.hold({ subject: 'h@1', reason: 'lawsuit' })
  assertFits(audit.HoldAnswer, hold)
  assert.equal((await refusal(client.audit.erase(id, grounds))).code, 'legal_hold')
  assert.deepEqual(await all(client.audit.holds({ limit: 1 })), [hold])
  const released = await client.audit.release(hold.id, 'settled')
  assertFits(audit.HoldAnswer, released)
  assert.equal((await refusal(client.audit.release(hold.id, 'again'))).code, 'already_released')
  const erasure = await client.audit.erase(id, grounds)
  assertFits(audit.ErasureAnswer, erasure)
  assert.equal(erasure.count, 1)
  const order = { before: new Date().toISOString(), event_type: 'held', ...grounds }
  assertFits(audit.RetentionAnswer, await client.audit.retention(order))
  const verdict = await verifyExport(client.audit.exportBytes('ndjson'), {
    key: stack.verifierKey,
  })
  assert.deepEqual([verdict.result, verdict.erased], ['verified', 1], verdict.reason ?? '')
})

test('errors are problem details, and the client says what they say', async () => {
  const calls: [() => Promise<unknown>, number, string][] = [
    [() => client.audit.event(999_999), 404, 'not_found'],
    [() => client.audit.eventsPage({ limit: 5_000 }), 400, 'invalid_request'],
    [
      () => client.audit.log({ event_type: 'audit.x', subject: 's', decision: true }),
      403,
      'event_type_reserved',
    ],
    [
      () => client.audit.log({ event_type: '', subject: 's', decision: true }),
      400,
      'invalid_request',
    ],
    [() => client.policy.validate(7 as never), 400, 'invalid_request'],
    [() => client.audit.verify({ from_id: 999_999 }), 400, 'invalid_request'],
  ]
  for (const [call, status, code] of calls) {
    const error = await refusal(call())
    assert.deepEqual([error.status, error.code, error.outcomeUnknown], [status, code, false])
    assert.match(error.requestId ?? '', /^[0-9a-f]{32}$/)
    if (code === 'invalid_request' && error.errors.length > 0) assert.ok(error.errors[0]?.message)
  }
  await client.lineage.register({ ...MODEL, model_id: 'conflicting' })
  const conflict = await refusal(
    client.lineage.register({ ...MODEL, model_id: 'conflicting', artifacts: [] }),
  )
  assert.deepEqual([conflict.status, conflict.code], [409, 'artifacts_conflict'])
})

test('error bodies have the shape of their schema', async () => {
  for (const path of [
    '/mcp-audit/events/999999',
    '/mcp-audit/events?limit=0',
    '/nowhere',
    '/mcp-audit/x',
  ]) {
    const answer = await fetch(stack.gateway.url + path)
    assertFits(ProblemAnswer, await answer.json())
  }
})

test('pages are followed to the last one, and each item comes once', async () => {
  for (let i = 0; i < 7; i++) {
    await client.audit.log({ event_type: 'paged', subject: `p&?${i}`, decision: true })
  }
  const entries = await all(client.audit.events({ event_type: 'paged', limit: 3 }))
  assert.deepEqual(
    entries.map(({ subject }) => subject),
    [6, 5, 4, 3, 2, 1, 0].map((i) => `p&?${i}`),
  )
  const models = await all(client.lineage.models({ limit: 1 }))
  const whole = await client.lineage.modelsPage()
  assert.ok(models.length >= 2)
  assert.deepEqual(models, whole.items)
})

test('a request id of the caller is in the entry', async () => {
  const event = { event_type: 'a', subject: 'b', decision: true }
  const entry = await client.audit.log(event, { requestId: 'mine.7' })
  assert.equal(entry.request_id, 'mine.7')
})
