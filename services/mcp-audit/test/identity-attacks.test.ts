import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IdentityClaims } from '@ai-governance/common/callers/identity'
import {
  activation,
  assertRefused,
  entries,
  SCOPES,
  send,
  service,
  signed,
} from './signed-calls.ts'

const JSON_TYPE = { host: '127.0.0.1:80', 'content-type': 'application/json' }

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
      assert.equal(json.code, 'unauthorized', `character ${i}`)
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

test('the attack: what one process took is sent to the one that is started in its place', async (t) => {
  const call = activation()
  const headers = signed(call)
  assert.equal((await send({ ...call, headers })).status, 200)
  // Moments are whole seconds in a header.
  await sleep(1_000)
  const { app, close } = service.start()
  t.after(async () => {
    await app.close()
    await close()
  })
  const before = await entries()
  const again = { method: 'POST', url: '/log', payload: call.body ?? '' } as const
  const refused = await app.inject({ ...again, headers: { ...JSON_TYPE, ...headers } })
  assert.deepEqual([refused.statusCode, refused.json().code], [401, 'unauthorized'])
  assert.equal(await entries(), before)
})

test('every refusal has the same words: why, is said to the log alone', async () => {
  const call = activation()
  const used = signed(call)
  await send({ ...call, headers: used })
  const refusals = [
    used,
    signed(call, { aud: 'mcp-lineage' }),
    signed(call, { exp: 1, iat: 0 }),
    signed(call, {}, randomBytes(32)),
    { 'x-mcp-identity': 'x' },
  ]
  const words = new Set<string>()
  for (const headers of refusals) {
    const { json } = await send({ ...call, headers })
    const { request_id, ...others } = json
    words.add(JSON.stringify(others))
  }
  assert.equal(words.size, 1)
  assert.match([...words].join(), /unauthorized/)
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
