import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type Client,
  createClient,
  GovernanceError,
  verifyExport,
  verifyVsa,
} from '../../clients/typescript/src/index.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

let database: TestDatabase
let stack: Stack
let client: Client
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { records: true, signed: true })
  client = createClient({ baseUrl: stack.gateway.url, auditKey: stack.verifierKey })
})
after(async () => {
  await stack.stop()
  await database.drop()
})

const SHA = 'c0'.repeat(32)
const payload = {
  model_id: 'vision',
  version: '1.0.0',
  ...EXAMPLE_PAYLOAD,
  artifacts: [`sha256:${SHA}`],
}
const subject = 'vision@1.0.0'

async function refusal(call: Promise<unknown>): Promise<GovernanceError> {
  const error = await call.then(
    () => assert.fail('the call was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof GovernanceError)
  return error
}

describe('the gate of a real stack', () => {
  test('answers with the decision of mcp-policy and the entry that records it, proven', async () => {
    const question = { payload, subject }
    const answer = await client.gateway.gate(question, { proof: true, requestId: 'gate.1' })
    const judged = await client.policy.validate(payload)
    assert.equal(answer.allowed, judged.allowed)
    assert.deepEqual(answer.decision.reasons, judged.reasons)
    assert.deepEqual(answer.decision.explanation, judged.explanation)
    const { audit } = answer
    assert.deepEqual(
      [audit.event_type, audit.subject, audit.actor, audit.request_id, audit.decision],
      ['gate.decided', subject, 'anonymous', 'gate.1', answer.allowed],
    )
    assert.ok(audit.proof)
    const { proof, ...entry } = audit
    assert.deepEqual(await client.audit.event(audit.id), entry)
    assert.ok(!JSON.stringify(audit.details).includes('data_sensitivity":1'))
  })

  test('records a denial as a denial', async () => {
    const answer = await client.gateway.gate({ payload: { nothing: true }, subject: 'bad@1' })
    assert.deepEqual([answer.allowed, answer.audit.decision], [false, false])
    assert.ok(answer.decision.reasons.length > 0)
  })

  test('keeps the payload of a full record, and no other', async () => {
    const full = await client.gateway.gate({ payload, subject, record: 'full' })
    assert.deepEqual(full.audit.details?.payload, payload)
    const digest = await client.gateway.gate({ payload, subject, record: 'digest' })
    assert.deepEqual(Object.keys(digest.audit.details ?? {}).sort(), [
      ...['artifacts', 'decision', 'record'],
    ])
  })

  test('under one key decides once, whoever asks again and however many do at once', async () => {
    const idempotencyKey = 'release-1'
    const ask = () => client.gateway.gate({ payload, subject }, { idempotencyKey })
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    answers.push(await ask())
    assert.equal(new Set(answers.map(({ audit }) => audit.id)).size, 1)
    assert.equal(new Set(answers.map(({ decision }) => decision.decision_id)).size, 1)
    for (const other of [
      { payload: { ...payload, version: '2' }, subject },
      { payload, subject: 'other@1' },
      { payload, subject, record: 'full' as const },
    ]) {
      const refused = await refusal(client.gateway.gate(other, { idempotencyKey }))
      assert.equal(refused.code, 'idempotency_conflict')
    }
    const again = await client.gateway.gate({ payload, subject }, { idempotencyKey, proof: true })
    assert.ok(again.audit.proof)
  })

  test('says what mcp-policy has against a request, and what the log cannot hold', async () => {
    const wrong = await refusal(client.gateway.gate({ payload: 7 as never, subject }))
    assert.deepEqual([wrong.status, wrong.code], [400, 'invalid_request'])
    let deep: object = {}
    for (let level = 0; level < 61; level++) deep = { deep }
    const deepest = { payload: deep as never, subject }
    assert.equal((await client.gateway.gate(deepest)).allowed, false)
    const full = await refusal(
      client.gateway.gate({ ...deepest, payload: { deep } as never, record: 'full' }),
    )
    assert.deepEqual([full.status, full.code], [400, 'invalid_json'])
  })

  test('records a payload of the largest size whole', async () => {
    const large = { ...payload, notes: 'x'.repeat(8 * 1_048_576 - 1_000) }
    const { allowed, audit } = await client.gateway.gate({
      payload: large,
      subject,
      record: 'full',
    })
    assert.equal(allowed, audit.decision)
    assert.deepEqual(audit.details?.payload, large)
    const tooLarge = { ...large, notes: `${large.notes}${'x'.repeat(1_000)}` }
    const refused = await refusal(client.gateway.gate({ payload: tooLarge, subject }))
    assert.equal(refused.code, 'body_too_large')
  })

  test('nobody but the gateway writes its entries', async () => {
    const forged = client.audit.log({ event_type: 'gate.decided', subject, decision: true })
    assert.equal((await refusal(forged)).code, 'event_type_reserved')
    for (const path of ['/mcp-audit/idempotency/lookup', '/idempotency/lookup']) {
      const answer = await fetch(stack.gateway.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      assert.ok([403, 404].includes(answer.status))
    }
  })

  test('gives a summary that the key of the log verifies', async () => {
    const { audit, decision } = await client.gateway.gate({ payload, subject })
    const envelope = await client.audit.vsa(audit.id)
    const summary = verifyVsa(envelope, stack.verifierKey)
    assert.deepEqual(summary?.subject, [{ name: subject, digest: { sha256: SHA } }])
    assert.deepEqual(summary?.predicate['urn:ai-governance:entry'], {
      id: audit.id,
      entry_hash: audit.entry_hash,
      decision_id: decision.decision_id,
      input_digest: decision.input_digest,
    })
    const unnamed = await client.gateway.gate({ payload: {}, subject })
    assert.equal((await refusal(client.audit.vsa(unnamed.audit.id))).code, 'no_subject')
  })

  test('and the log of all that verifies', async () => {
    const verdict = await verifyExport(client.audit.exportBytes('ndjson'), {
      key: stack.verifierKey,
    })
    assert.equal(verdict.result, 'verified', verdict.reason ?? '')
  })
})

test('a decision that comes too late is a denial, and is recorded as one', async () => {
  const late = await startStack(database, { signed: true, policyEnv: { GATE_SLA_MS: '1' } })
  try {
    const own = createClient({ baseUrl: late.gateway.url })
    // Large enough to take longer than a millisecond to judge.
    const large = { ...payload, notes: Array.from({ length: 100_000 }, (_, n) => n) }
    const answer = await own.gateway.gate({ payload: large, subject })
    assert.equal(answer.decision.within_sla, false)
    assert.deepEqual([answer.allowed, answer.audit.decision], [false, false])
  } finally {
    await late.stop()
  }
})
