import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IDENTITY_HEADER } from '@ai-governance/common/callers/identity'
import { GATEWAY, identitySigner } from '../src/auth/signing.ts'
import {
  bearer,
  get,
  makeKey,
  makeSecret,
  post,
  SERVICES,
  startWithKeys,
  verified,
} from './auth-harness.ts'
import { getBytes, type Received, sendRaw, startGateway, startRecorder } from './harness.ts'

const SECRET = 'A'.repeat(43)
const caller = { actor: 'key:ci', scopes: ['audit:read'] }
const call = {
  service: 'mcp-audit',
  requestId: 'r-1',
  method: 'POST',
  target: '/log?proof=true',
  body: '{"a":"ü"}',
}

/** The call as mcp-audit would see it, with what may have been changed on the way. */
function received(headers: string[], changes: Partial<Received> = {}): Received {
  const [name, value] = headers as [string, string]
  assert.equal(name, IDENTITY_HEADER)
  return {
    method: 'POST',
    target: call.target,
    headers: { [name]: value, 'x-request-id': 'r-1' },
    rawHeaders: [],
    body: Buffer.from(call.body),
    ...changes,
  }
}

describe('what the gateway signs', () => {
  const sign = identitySigner(SECRET, SERVICES)

  test('a service accepts, as the caller', () => {
    const claims = verified(SECRET, 'mcp-audit', received(sign(caller, call)))
    const { sub, svc, scopes, rid, exp, iat } = claims
    assert.deepEqual([sub, svc, scopes, rid], ['key:ci', null, ['audit:read'], 'r-1'])
    assert.equal(exp - iat, 30)
  })

  test('another service refuses, and so does the same for another request', () => {
    const headers = sign(caller, call)
    assert.throws(() => verified(SECRET, 'mcp-lineage', received(headers)))
    assert.throws(() => verified('B'.repeat(43), 'mcp-audit', received(headers)))
    const others: Partial<Received>[] = [
      { method: 'GET' },
      { target: '/log' },
      { target: '/log/batch' },
      { body: Buffer.from('{"a":"u"}') },
      { body: Buffer.alloc(0) },
      { headers: { [IDENTITY_HEADER]: String(headers[1]), 'x-request-id': 'r-2' } },
    ]
    for (const other of others) {
      assert.throws(() => verified(SECRET, 'mcp-audit', received(headers, other)))
    }
  })

  test('is new each time: 2,000 headers have 2,000 numbers', () => {
    const seen = Array.from({ length: 2_000 }, () => sign(caller, call)[1])
    assert.equal(new Set(seen).size, 2_000)
    const claims = verified(SECRET, 'mcp-audit', received([IDENTITY_HEADER, String(seen[1_999])]))
    assert.match(claims.jti, /^[A-Za-z0-9_-]{22}$/)
  })

  test('where it speaks for itself, about a caller or not', () => {
    for (const who of [caller, GATEWAY]) {
      const headers = sign(who, { ...call, asGateway: true })
      const { sub, svc, scopes } = verified(SECRET, 'mcp-audit', received(headers))
      assert.deepEqual([sub, svc], [who.actor, 'service:mcp-gateway'])
      assert.deepEqual(scopes, ['audit:append', 'audit:read'])
    }
  })

  test('never goes to a service that it has no key for', () => {
    assert.throws(() => sign(caller, { ...call, service: 'other' }), /no identity key for other/)
  })

  test('is nothing at all without a secret', () => {
    assert.deepEqual(identitySigner(null, SERVICES)(caller, call), [])
  })
})

test('in AUTH_MODE=none with a secret everybody is anonymous and may do everything', async (t) => {
  const { path, secret } = makeSecret(t)
  const recorder = await startRecorder(t)
  const callers = { identitySecretPath: path }
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url }, {}, [], callers)
  for (const headers of [[], [bearer('whatever')], ['X-MCP-Identity: e30.AAAA']]) {
    await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events?limit=5', headers))
    const { sub, scopes } = verified(secret, 'mcp-audit', recorder.received.pop() as Received)
    assert.deepEqual([sub, scopes], ['anonymous', ['admin']])
  }
})

test('a call whose connection is lost is signed anew for the next attempt', async (t) => {
  let lost = 0
  const { path, secret } = makeSecret(t)
  const recorder = await startRecorder(t, (_request, response) => {
    if (lost++ === 0) response.destroy()
    else response.end('[]')
  })
  const callers = { identitySecretPath: path }
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url }, {}, [], callers)
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events'))
  assert.equal(answer.status, 200)
  const calls = recorder.received.filter(({ target }) => target === '/events')
  const claims = calls.map((received) => verified(secret, 'mcp-audit', received))
  assert.equal(claims.length, 2)
  assert.notEqual(claims[0]?.jti, claims[1]?.jti)
})

test('what the gateway registers itself is signed for its caller', async (t) => {
  const key = makeKey(['lineage:write'], { name: 'trainer' })
  const { gateway, recorder, secret } = await startWithKeys(t, [key])
  await post(gateway, '/api/v1/models/register', bearer(key.token))
  const received = recorder.received.find(({ target }) => target === '/register') as Received
  const { sub, scopes } = verified(secret, 'mcp-lineage', received)
  assert.deepEqual([sub, scopes], ['key:trainer', ['lineage:write']])
})

test('a target of the greatest length is signed whole', async (t) => {
  const key = makeKey(['audit:read'])
  const { gateway, recorder, secret } = await startWithKeys(t, [key])
  const target = `/events?subject=${'x'.repeat(4_096 - '/mcp-audit/events?subject='.length)}`
  assert.equal((await get(gateway, `/mcp-audit${target}`, bearer(key.token))).status, 200)
  assert.equal(verified(secret, 'mcp-audit', recorder.received[0] as Received).target, target)
})
