import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, createClient } from '../src/client.ts'
import { GovernanceError } from '../src/errors.ts'
import { json, made, serve } from './server.ts'

const EVENT = { event_type: 'e', subject: 's', decision: true, details: { n: 1 } }
const MODEL = { model_id: 'm', version: '1', created_by: 'c', artifacts: ['sha256:ab'] }

/** The call must fail as `invalid_answer`, having been sent once. */
async function assertRefused(
  call: Promise<unknown>,
  outcomeUnknown: boolean,
  what: string,
): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof GovernanceError)
    assert.deepEqual(
      [error.code, error.status, error.outcomeUnknown],
      ['invalid_answer', 200, outcomeUnknown],
      what,
    )
    return true
  })
}

test('a decision allows by true alone, and never with reasons against it', async (t) => {
  for (const answer of [
    {},
    { allowed: 'true', reasons: [] },
    { allowed: 'false', reasons: [] },
    { allowed: 1, reasons: [] },
    { allowed: true },
    { allowed: true, reasons: ['no'] },
    { allowed: false, reasons: [1] },
  ]) {
    const { url, received } = await serve(t, (response) => json(response, answer))
    const client = createClient({ baseUrl: url })
    for (const call of [client.policy.validate({}), client.policy.validateV1({})]) {
      await assertRefused(call, false, JSON.stringify(answer))
    }
    assert.equal(received.length, 2)
  }
})

const changed: [string, object, (client: Client) => Promise<unknown>][] = [
  ...[
    ...[{ id: '7' }, { id: 0 }, { entry_hash: 'xy' }, { event_type: 'x' }, { subject: 'x' }],
    ...[{ decision: 1 }, { decision: false }, { details: {} }, { details: null }],
  ].map(
    (members) =>
      ['an entry', members, (client: Client) => client.audit.log(EVENT)] as (typeof changed)[0],
  ),
  ...[
    ...[{ id: null }, { revision: '1' }, { record_hash: 'xy' }, { audit: {} }, { model_id: 'x' }],
    ...[{ artifacts: [] }, { parents: [{}] }, { metadata: { a: 1 } }, { aibom: {} }],
  ].map(
    (members) =>
      [
        'a record',
        members,
        (client: Client) => client.lineage.register(MODEL),
      ] as (typeof changed)[0],
  ),
]
for (const [what, members, call] of changed) {
  test(`${what} with ${JSON.stringify(members)} is no evidence of what was sent`, async (t) => {
    const { url, received } = await serve(t, (response, request) =>
      made(response, request, members),
    )
    await assertRefused(call(createClient({ baseUrl: url })), true, what)
    assert.equal(received.length, 1)
  })
}

test('an empty answer to a registration at the gateway is no evidence either', async (t) => {
  const { url } = await serve(t, (response) => json(response, { status: 'ok' }))
  await assertRefused(createClient({ baseUrl: url }).gateway.registerModel(MODEL), true, 'empty')
})

test('what travels in another spelling is the same', async (t) => {
  const { url } = await serve(t, (response, request) =>
    made(response, request, { details: { b: [1, null], a: 100000000000000000000 } }),
  )
  const details = { a: 1e20, b: [1.0, null], c: undefined as never }
  const entry = await createClient({ baseUrl: url }).audit.log({ ...EVENT, details })
  assert.equal(entry.id, 7)
})
