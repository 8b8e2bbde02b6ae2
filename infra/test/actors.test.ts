import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiKey, formatApiKeys, hashToken } from '@ai-governance/common/callers/api-keys'
import type { Scope } from '@ai-governance/common/callers/scopes'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

type Answer = { status: number; json: Record<string, unknown>; headers: Headers }
type Json = Record<string, unknown>

const tokens = new Map<string, string>()
let database: TestDatabase
let stack: Stack
const folder = mkdtempSync(join(tmpdir(), 'actors-test-'))
before(async () => {
  database = await createTestDatabase()
  const path = join(folder, 'api-keys.json')
  const keys = [makeKey('ann', ['admin']), makeKey('ben', ['audit:append', 'audit:read'])]
  writeFileSync(path, formatApiKeys({ v: 1, keys }), { mode: 0o600 })
  stack = await startStack(database, {
    signed: true,
    gatewayEnv: { AUTH_MODE: 'keys', API_KEYS_PATH: path },
  })
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(folder, { recursive: true })
})

function makeKey(name: string, scopes: Scope[]): ApiKey {
  const id = name.padEnd(8, '0')
  const token = `mcp_${id}_${randomBytes(32).toString('base64url')}`
  tokens.set(name, token)
  const times = { created_at: '2026-11-23T10:00:00Z', expires_at: null, revoked_at: null }
  return { id, name, scopes, sha256: hashToken(token), ...times }
}

/** One call through the gateway under the key of `name`. */
async function call(name: string, path: string, body?: object, idempotencyKey?: string) {
  const answer = await fetch(stack.gateway.url + path, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${tokens.get(name)}`,
      ...(body && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const json = (await answer.json()) as Json
  return { status: answer.status, json, headers: answer.headers } satisfies Answer
}

async function entry(id: unknown): Promise<Json> {
  return (await call('ann', `/mcp-audit/events/${id}`)).json
}

const event = (subject: string) => ({ event_type: 'model.deployed', subject, decision: true })

test('entries name whoever holds the key, alone and in a batch', async () => {
  for (const name of ['ann', 'ben']) {
    const one = await call(name, '/mcp-audit/log', event('one'))
    assert.deepEqual([one.status, one.json.actor], [200, `key:${name}`])
    const batch = await call(name, '/mcp-audit/log/batch', { events: [event('a'), event('b')] })
    const actors = (batch.json as unknown as Json[]).map(({ actor }) => actor)
    assert.deepEqual(actors, [`key:${name}`, `key:${name}`])
  }
})

test('the entry of a registration names who registered, whichever way it came', async () => {
  const model = { model_id: 'm', version: '1', created_by: 'somebody else' }
  const registered = await call('ann', '/mcp-lineage/register', model)
  const { id } = registered.json.audit as { id: number }
  assert.equal((await entry(id)).actor, 'key:ann')
  const own = await call('ann', '/api/v1/models/register', { ...model, version: '2' })
  assert.equal(own.status, 200, JSON.stringify(own.json))
  const audit = own.json.audit as Json
  assert.equal((await entry(audit.id)).actor, 'key:ann')
})

test('erasures, holds, their release and retention name who did it', async () => {
  const { json } = await call('ben', '/mcp-audit/log', { ...event('e'), details: { a: 1 } })
  const why = { reason: 'r', legal_basis: 'l' }
  await call('ann', `/mcp-audit/events/${json.id}/erase`, why)
  const held = await call('ann', '/mcp-audit/holds', { subject: 'e', reason: 'r' })
  await call('ann', `/mcp-audit/holds/${held.json.id}/release`, { reason: 'r' })
  await call('ann', '/mcp-audit/retention', { before: '2020-01-01T00:00:00Z', ...why })
  const { json: page } = await call('ann', '/mcp-audit/events?limit=10')
  const recent = (page as unknown as Json[]).filter(({ event_type }) =>
    String(event_type).startsWith('audit.'),
  )
  const named = recent.map(({ event_type, actor }) => `${event_type} ${actor}`)
  assert.deepEqual(named.toReversed(), [
    'audit.details_erased key:ann',
    'audit.hold_placed key:ann',
    'audit.hold_released key:ann',
    'audit.details_erased key:ann',
  ])
})

test('an idempotency key is its holder’s own: the same one of another is another', async () => {
  const first = await call('ann', '/mcp-audit/log', event('k'), 'same')
  const other = await call('ben', '/mcp-audit/log', event('k'), 'same')
  const again = await call('ben', '/mcp-audit/log', event('k'), 'same')
  assert.notEqual(other.json.id, first.json.id)
  assert.equal(again.json.id, other.json.id)
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
})

test('what a key may not do is done at no service, and the lines of both name it', async () => {
  const before = (await call('ann', '/mcp-audit/events?limit=1')).json
  const { status, json } = await call('ben', '/mcp-lineage/register', {
    ...{ model_id: 'm', version: '9', created_by: 'c' },
  })
  assert.deepEqual([status, json.code], [403, 'insufficient_scope'])
  assert.deepEqual((await call('ann', '/mcp-audit/events?limit=1')).json, before)
})

test('one request has one id and one actor in the lines of the gateway and of the service', async () => {
  const { headers } = await call('ben', '/mcp-audit/log', event('line'))
  const id = headers.get('x-request-id')
  assert.ok(id)
  for (const { log } of [stack.gateway, stack.audit]) {
    assert.equal((await lineOf(log, id)).actor, 'key:ben')
  }
})

/** The line of a request; lines are gathered for a moment before they are written. */
async function lineOf(log: () => string, id: string): Promise<Json> {
  for (const deadline = Date.now() + 5_000; ; await sleep(50)) {
    const lines = log().split('\n')
    const text = lines.find((line) => line.includes(id) && line.endsWith('}'))
    if (text) return JSON.parse(text) as Json
    assert.ok(Date.now() < deadline, 'there is no such line')
  }
}

test('no log holds a key', async () => {
  for (const { log } of [stack.gateway, stack.lineage, stack.policy, stack.audit]) {
    for (const token of tokens.values()) assert.ok(!log().includes(token.slice(13)))
  }
})
