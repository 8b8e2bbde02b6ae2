import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { DENIALS } from '../src/auth/authenticator.ts'
import { DenialCounts } from '../src/auth/denials.ts'
import {
  bearer,
  get,
  makeKey,
  makeSecret,
  temporaryFolder,
  until,
  verified,
  writeKeys,
} from './auth-harness.ts'
import { type Received, startGateway, startRecorder } from './harness.ts'

interface Denied {
  event_type: string
  subject: string
  decision: boolean
  details: { source: string; count: number; from: string; to: string }
}

const isBatch = ({ target }: Received) => target === '/log/batch'
const eventsIn = ({ body }: Received) => (JSON.parse(String(body)) as { events: Denied[] }).events

async function start(t: TestContext, answer?: (response: ServerResponse) => void) {
  const key = makeKey(['audit:read'])
  const keys = [
    key,
    makeKey(['admin'], { revoked_at: '2026-11-23T10:00:00Z' }),
    makeKey(['admin'], { expires_at: '2026-11-23T10:00:00Z' }),
  ] as const
  const path = `${temporaryFolder(t)}/api-keys.json`
  writeKeys(path, keys)
  const { path: identitySecretPath, secret } = makeSecret(t)
  const recorder = await startRecorder(t, (_request, response) =>
    answer ? answer(response) : response.end('[]'),
  )
  const gateway = await startGateway(
    t,
    { 'mcp-audit': recorder.url },
    {},
    [],
    { auth: { mode: 'keys', path }, identitySecretPath },
    { denialsEvery: 100 },
  )
  return { gateway, recorder, secret, keys }
}

test('who is refused is put on the log: one entry for each class and source, with a count', async (t) => {
  const { gateway, recorder, secret, keys } = await start(t)
  const [reader, revoked, expired] = keys
  const before = Date.now()
  for (let i = 0; i < 3; i++) await get(gateway, '/mcp-audit/events')
  await get(gateway, '/mcp-audit/events', 'Authorization: Basic eDp5')
  for (let i = 0; i < 2; i++) await get(gateway, '/mcp-audit/events', bearer(makeKey([]).token))
  await get(gateway, '/mcp-audit/events', bearer(revoked.token))
  await get(gateway, '/mcp-audit/events', bearer(expired.token))
  await get(gateway, '/mcp-audit/export', bearer(reader.token))
  await gateway.app.close()
  const batches = recorder.received.filter(isBatch)
  const events = batches.flatMap(eventsIn)
  const counts: Record<string, number> = {}
  for (const { event_type, subject, decision, details } of events) {
    assert.deepEqual([event_type, decision], ['auth.denied', false])
    assert.deepEqual(Object.keys(details).sort(), ['count', 'from', 'source', 'to'])
    assert.equal(details.source, '127.0.0.1')
    assert.ok(before <= Date.parse(details.from) && details.from <= details.to)
    assert.ok(Date.parse(details.to) <= Date.now())
    counts[subject] = (counts[subject] ?? 0) + details.count
  }
  const expected = {
    missing: 3,
    malformed: 1,
    unknown: 2,
    revoked: 1,
    expired: 1,
    missing_scope: 1,
  }
  assert.deepEqual(counts, expected)
  for (const batch of batches) {
    const { sub, svc, scopes } = verified(secret, 'mcp-audit', batch)
    assert.deepEqual([sub, svc], ['service:mcp-gateway', 'service:mcp-gateway'])
    assert.deepEqual(scopes, ['audit:append', 'audit:read'])
    assert.match(String(batch.headers['idempotency-key']), /^auth\.denied-/)
  }
  for (const { token } of keys) assert.ok(!batches.some(({ body }) => body.includes(token)))
  const shown = await gateway.app.metrics.registry.metrics()
  assert.match(shown, /governance_gateway_denials_total\{class="unknown".*\} 2/)
})

test('while mcp-audit is away one batch waits under one key, and what comes meanwhile is counted', async (t) => {
  let isAway = true
  const { gateway, recorder } = await start(t, (response) => {
    if (isAway) response.writeHead(503)
    response.end('[]')
  })
  await get(gateway, '/mcp-audit/events')
  const batches = () => recorder.received.filter(isBatch)
  await until(t, () => batches().length >= 3)
  for (let i = 0; i < 5; i++) await get(gateway, '/mcp-audit/events')
  const tries = batches()
  assert.equal(new Set(tries.map(({ headers }) => headers['idempotency-key'])).size, 1)
  assert.equal(new Set(tries.map(({ body }) => String(body))).size, 1)
  isAway = false
  await until(t, () => new Set(batches().map(({ body }) => String(body))).size === 2)
  const taken = new Map(batches().map((batch) => [batch.headers['idempotency-key'], batch]))
  const counted = [...taken.values()].flatMap(eventsIn).map(({ details }) => details.count)
  assert.deepEqual(counted, [1, 5])
})

test('a hung mcp-audit keeps nobody waiting, and the gateway stops all the same', async (t) => {
  const { gateway, recorder } = await start(t, () => {})
  await get(gateway, '/mcp-audit/events')
  await until(t, () => recorder.received.some(isBatch))
  for (let i = 0; i < 20; i++) {
    assert.equal((await get(gateway, '/mcp-audit/events')).status, 401)
  }
  await gateway.app.close()
})

test('counting takes bounded memory, forgets nobody, and sums up the rest', () => {
  const denial = fc.record({
    denial: fc.constantFrom(...DENIALS),
    source: fc.integer({ min: 0, max: 40 }).map((n) => `10.0.0.${n}`),
  })
  fc.assert(
    fc.property(fc.array(denial, { maxLength: 300 }), (all) => {
      const counts = new DenialCounts(20)
      for (const [i, { denial, source }] of all.entries()) counts.count(denial, source, i)
      assert.ok(counts.size <= 20 + DENIALS.length)
      const tallies = counts.take()
      for (const name of DENIALS) {
        const sum = tallies.filter((tally) => tally.denial === name)
        const counted = sum.reduce((total, { count }) => total + count, 0)
        assert.equal(counted, all.filter((one) => one.denial === name).length)
      }
      assert.equal(counts.size, 0)
    }),
  )
})

test('a clock that is set back ends no time before it begins', () => {
  const counts = new DenialCounts()
  counts.count('missing', 'x', 1_000)
  counts.count('missing', 'x', 10)
  const [tally] = counts.take()
  assert.deepEqual([tally?.from, tally?.to, tally?.count], [1_000, 1_000, 2])
})
