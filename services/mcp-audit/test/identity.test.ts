import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { type IdentityClaims, serviceClaims, signIdentity } from '@ai-governance/common/identity'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { EVENT, startService } from './service.ts'

const key = randomBytes(32)
const ACTIVATED = { event_type: 'policy.activated', subject: 'sha256:00', decision: true }
const SCOPES = ['audit:append', 'audit:read']

let service: Awaited<ReturnType<typeof startService>>
let port: number
before(async () => {
  service = await startService({ policyKey: key })
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  port = (service.app.server.address() as AddressInfo).port
})
after(() => service.stop())

interface Call {
  method?: string
  target?: string
  body?: string
  headers?: Record<string, string | string[]>
}

/** One request over a socket, its body as it is. */
async function send({ method = 'POST', target = '/log', body = '', headers = {} }: Call) {
  const given: OutgoingHttpHeaders = {
    host: '127.0.0.1:80',
    'content-type': 'application/json',
    ...headers,
  }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const out = request({ host: '127.0.0.1', port, method, path: target, headers: given }, resolve)
    out.on('error', reject).end(body)
  })
  const text = (await buffer(answer)).toString()
  return {
    status: answer.statusCode,
    headers: answer.headers,
    json: JSON.parse(text) as Record<string, unknown>,
  }
}

/** The headers that mcp-policy sends with a call; `changes` to what it signs. */
function signed(
  { method = 'POST', target = '/log', body = '' }: Call,
  changes: Partial<IdentityClaims> = {},
  by = key,
): Record<string, string> {
  const parties = { from: 'mcp-policy', to: 'mcp-audit', scopes: SCOPES }
  const what = { requestId: `r-${randomBytes(4).toString('hex')}`, method, target, body }
  const claims = serviceClaims({ ...parties, ...what }, Date.now() / 1_000)
  return {
    'x-request-id': what.requestId,
    'x-mcp-identity': signIdentity({ ...claims, ...changes }, by),
  }
}

const activation = (): Call => ({ body: JSON.stringify(ACTIVATED) })
/** How many entries there are. */
async function entries(): Promise<number> {
  const page = (await service.app.inject({ url: '/events?limit=1' })).json()
  return (page as { id: number }[])[0]?.id ?? 0
}

/** Asserts that a call is refused as unverified, and that nothing came of it. */
async function assertRefused(call: Call): Promise<void> {
  const before = await entries()
  const { status, json, headers } = await send(call)
  assert.deepEqual([status, json.code], [401, 'invalid_identity'], JSON.stringify(json))
  assert.equal(headers['www-authenticate'], 'MCP-Identity')
  assert.equal(await entries(), before)
}

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

describe('the attack: somebody who sees a signed call', () => {
  test('sends it again', async () => {
    const call = activation()
    const headers = signed(call)
    assert.equal((await send({ ...call, headers })).status, 200)
    await assertRefused({ ...call, headers })
  })

  test('sends it twenty times at once: one counts', async () => {
    const call = activation()
    const headers = signed(call)
    const before = await entries()
    const answers = await Promise.all(Array.from({ length: 20 }, () => send({ ...call, headers })))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(answers.filter(({ status }) => status === 401).length, 19)
    assert.equal(await entries(), before + 1)
  })

  test('puts another body below it, be it the same JSON in other bytes', async () => {
    const call = activation()
    const { body = '' } = call
    const tampered = [
      body.replace('true', 'false'),
      body.replace(',', ', '),
      `${body} `,
      body.replace('policy', '\\u0070olicy'),
    ]
    for (const other of tampered) await assertRefused({ body: other, headers: signed(call) })
    await assertRefused({ body: '', headers: signed(call) })
  })

  test('puts it on another path, query or method', async () => {
    const call = activation()
    await assertRefused({ ...call, target: '/log?proof=false', headers: signed(call) })
    await assertRefused({ ...call, target: '/log/batch', headers: signed(call) })
    await assertRefused({
      method: 'GET',
      target: '/events',
      headers: signed({ target: '/events' }),
    })
  })

  test('gives it another request id, or none', async () => {
    const call = activation()
    const headers = signed(call)
    await assertRefused({ ...call, headers: { ...headers, 'x-request-id': 'other' } })
    const { 'x-request-id': _id, ...rest } = headers
    await assertRefused({ ...call, headers: rest })
  })

  test('sends two headers, one of them right', async () => {
    const call = activation()
    const headers = signed(call)
    const right = headers['x-mcp-identity'] as string
    for (const two of [
      [right, right],
      ['x', right],
      [right, ''],
    ]) {
      await assertRefused({ ...call, headers: { ...headers, 'x-mcp-identity': two } })
    }
  })

  test('adds a body to a call that has none', async () => {
    const call = { method: 'GET', target: '/events' }
    for (const length of [{ 'content-length': '2' }, { 'transfer-encoding': 'chunked' }]) {
      const { json } = await send({ ...call, body: '{}', headers: { ...signed(call), ...length } })
      assert.equal(json.code, 'body_not_allowed')
    }
  })

  test('changes any one character', async () => {
    const call = activation()
    const before = await entries()
    const length = signed(call)['x-mcp-identity']?.length ?? 0
    assert.ok(length > 400)
    for (let i = 0; i < length; i++) {
      const headers = signed(call)
      const right = headers['x-mcp-identity'] as string
      const changed = right.slice(0, i) + (right[i] === 'A' ? 'B' : 'A') + right.slice(i + 1)
      const { json } = await send({ ...call, headers: { ...headers, 'x-mcp-identity': changed } })
      assert.equal(json.code, 'invalid_identity', `character ${i}`)
    }
    assert.equal(await entries(), before)
  })
})

describe('the attack: somebody who has the key of mcp-policy claims', () => {
  const claims: Record<string, Partial<IdentityClaims>> = {
    'to be another service': { iss: 'mcp-gateway', sub: 'service:mcp-gateway', svc: null },
    'to pass on the call of a person': { sub: 'key:abcdefgh', svc: null },
    'to be the gateway as a service': { svc: 'service:mcp-gateway' },
    'another subject': { sub: 'anonymous' },
    'a scope more': { scopes: [...SCOPES, 'audit:erase'] },
    'a scope less': { scopes: ['audit:append'] },
    'both scopes in one': { scopes: ['audit:append audit:read'] },
    'a day': { exp: Math.floor(Date.now() / 1_000) + 86_400 },
  }
  for (const [what, changes] of Object.entries(claims)) {
    test(what, async () => {
      const call = activation()
      await assertRefused({ ...call, headers: signed(call, changes) })
    })
  }
})

test('another key, or none that is one, is refused', async () => {
  const call = activation()
  for (const by of [randomBytes(32), Buffer.alloc(0), Buffer.alloc(32)]) {
    await assertRefused({ ...call, headers: signed(call, {}, by) })
  }
  for (const header of ['', 'x', '.', 'null', 'a'.repeat(15_000)]) {
    await assertRefused({ ...call, headers: { 'x-mcp-identity': header } })
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
