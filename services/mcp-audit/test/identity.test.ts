import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { EVENT, startService } from './service.ts'
import { ACTIVATED, activation, assertRefused, type Call, send, signed } from './signed-calls.ts'

test('mcp-policy writes policy. entries, which name it and its request', async () => {
  const call = activation()
  const headers = signed(call)
  const { status, json } = await send({ ...call, headers })
  assert.equal(status, 200, JSON.stringify(json))
  assert.equal(json.actor, 'service:mcp-policy')
  assert.equal(json.request_id, headers['x-request-id'])
  assert.equal(json.event_type, 'policy.activated')
})

test('nobody else writes policy. entries', async () => {
  for (const body of [ACTIVATED, { ...ACTIVATED, event_type: 'policy.x' }]) {
    const { status, json } = await send({ body: JSON.stringify(body) })
    assert.deepEqual([status, json.code], [403, 'event_type_reserved'])
  }
})

test('mcp-policy writes no other type of the control plane’s, and no look-alike', async () => {
  for (const event_type of ['lineage.x', 'audit.x', 'gate.x', 'auth.x', 'Policy.activated']) {
    const call = { body: JSON.stringify({ ...ACTIVATED, event_type }) }
    const { status, json } = await send({ ...call, headers: signed(call) })
    assert.deepEqual([status, json.code], [403, 'event_type_reserved'], event_type)
  }
})

test('a call without the header is anonymous as before', async () => {
  const { status, json } = await send({ body: JSON.stringify(EVENT) })
  assert.deepEqual([status, json.actor], [200, 'anonymous'])
})

test('mcp-policy reads its entries, and each header counts for one read', async () => {
  const call = { method: 'GET', target: '/events?event_type=policy.activated&limit=1' }
  const headers = signed(call)
  assert.equal((await send({ ...call, headers })).status, 200)
  await assertRefused({ ...call, headers })
})

test('its scopes are all that mcp-policy may do', async () => {
  const calls: Call[] = [
    { method: 'GET', target: '/export' },
    { target: '/events/1/erase', body: '{"reason":"r","legal_basis":"l"}' },
    { target: '/holds', body: '{"subject":"s","reason":"r"}' },
    { target: '/holds/1/release', body: '{"reason":"r"}' },
    {
      target: '/retention',
      body: '{"before":"2026-01-01T00:00:00Z","reason":"r","legal_basis":"l"}',
    },
  ]
  for (const call of calls) {
    const { status, json } = await send({ ...call, headers: signed(call) })
    assert.deepEqual([status, json.code], [403, 'insufficient_scope'], `${call.target}`)
  }
})

test('a service puts 16 MiB into one entry, anybody else 1 MiB', async () => {
  const large = JSON.stringify({ ...ACTIVATED, details: { text: 'x'.repeat(15_000_000) } })
  const { status, json } = await send({ body: large, headers: signed({ body: large }) })
  assert.equal(status, 200, JSON.stringify(json).slice(0, 500))
  const read = await send({ method: 'GET', target: `/events/${json.id}` })
  assert.equal(JSON.stringify(read.json.details).length, 15_000_011)

  const tooLarge = JSON.stringify({ ...EVENT, details: { text: 'x'.repeat(1_048_576) } })
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const answer = await send({ body: tooLarge, headers })
    assert.deepEqual([answer.status, answer.json.code], [413, 'body_too_large'])
  }
  const tooMany = JSON.stringify({ ...ACTIVATED, details: { list: Array(300_000).fill(0) } })
  assert.equal((await send({ body: tooMany, headers: signed({ body: tooMany }) })).status, 200)
  assert.equal((await send({ body: tooMany })).status, 400)
})

test('an idempotency key of mcp-policy is its own', async () => {
  const call = activation()
  const keyed = async () =>
    send({ ...call, headers: { ...signed(call), 'idempotency-key': 'same' } })
  const first = await keyed()
  const again = await keyed()
  assert.equal(again.json.id, first.json.id)
  assert.equal(again.headers['idempotency-replayed'], 'true')
  const other = { body: JSON.stringify(EVENT), headers: { 'idempotency-key': 'same' } }
  assert.notEqual((await send(other)).json.id, first.json.id)
})

test('without a key the header means nothing, and nobody writes policy. entries', async (t) => {
  const without = await startService()
  t.after(() => without.stop())
  const call = activation()
  const refused = await without.log(ACTIVATED, signed(call))
  assert.deepEqual([refused.statusCode, refused.json().code], [403, 'event_type_reserved'])
  const { actor } = (await without.log(EVENT, { 'x-mcp-identity': 'x' })).json()
  assert.equal(actor, 'anonymous')
})

test('a key that is configured and cannot be read keeps the service from starting', () => {
  const config = readConfig({
    DATABASE_URL: 'postgres://audit_service@127.0.0.1:1/governance',
    POLICY_IDENTITY_KEY_PATH: '/nowhere/key',
  })
  assert.throws(
    () => buildApp(config),
    (error) =>
      error instanceof EnvironmentError && error.message.startsWith('POLICY_IDENTITY_KEY_PATH: '),
  )
})
