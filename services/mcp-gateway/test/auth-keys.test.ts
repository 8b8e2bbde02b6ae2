import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { ALLOWED_ROUTES } from '../src/allowed-routes.ts'
import { isClosed } from '../src/auth/api-keys.ts'
import {
  bearer,
  get,
  makeKey,
  post,
  startGuarded,
  startWithKeys,
  temporaryFolder,
  unauthorized,
  until,
  verified,
  writeKeys,
  writeText,
} from './auth-harness.ts'
import { assertRefused, getBytes, requestBytes, sendRaw } from './harness.ts'

const EVENTS = '/mcp-audit/events'

test('a key lets in whom it stands for, and every service hears who that is', async (t) => {
  const key = makeKey(['audit:append', 'audit:read'], { name: 'ci' })
  const { gateway, recorder, secret } = await startWithKeys(t, [makeKey(['admin']), key])
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    assert.equal((await get(gateway, EVENTS, `Authorization: ${scheme} ${key.token}`)).status, 200)
  }
  assert.equal((await post(gateway, '/mcp-audit/log?proof=true', bearer(key.token))).status, 200)
  assert.equal(recorder.received.length, 4)
  for (const call of recorder.received) {
    const claims = verified(secret, 'mcp-audit', call)
    assert.equal(claims.iss, 'mcp-gateway')
    assert.equal(claims.sub, 'key:ci')
    assert.equal(claims.svc, null)
    assert.deepEqual(claims.scopes, ['audit:append', 'audit:read'])
    assert.equal(call.headers.authorization, undefined)
    assert.ok(!JSON.stringify(call.rawHeaders).includes(key.token))
  }
  const ids = recorder.received.map((call) => verified(secret, 'mcp-audit', call).jti)
  assert.equal(new Set(ids).size, 4)
})

describe('every wrong credential gets one and the same answer', () => {
  const good = makeKey(['admin'])
  const revoked = makeKey(['admin'], { revoked_at: '2026-11-23T10:00:00Z' })
  const expired = makeKey(['admin'], { expires_at: '2026-11-23T10:00:00+01:00' })
  const { token } = good
  const rows: [name: string, ...headers: string[]][] = [
    ['none'],
    ['an empty one', 'Authorization: '],
    ['the scheme alone', 'Authorization: Bearer'],
    ['the scheme and a space', 'Authorization: Bearer '],
    ['the token alone', `Authorization: ${token}`],
    ['two spaces', `Authorization: Bearer  ${token}`],
    ['a tab', `Authorization: Bearer\t${token}`],
    ['something after it', `Authorization: Bearer ${token} x`],
    ['a comma', `Authorization: Bearer ${token},Bearer ${token}`],
    ['quotes', `Authorization: Bearer "${token}"`],
    ['another scheme', `Authorization: Token ${token}`],
    ['Basic', `Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`],
    ['bytes beyond ASCII', `Authorization: Bearer ${token}\xe9`],
    ['a token of nobody', bearer(makeKey(['admin']).token)],
    ['the id of a key with another secret', bearer(token.slice(0, 13) + 'A'.repeat(43))],
    ['the last character changed', bearer(token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A'))],
    ['one character less', bearer(token.slice(0, -1))],
    ['one character more', bearer(`${token}A`)],
    ['another spelling', bearer(token.toUpperCase())],
    ['the hash of a token', bearer(good.record.sha256)],
    ['a huge one', bearer('a'.repeat(12_000))],
    ['a revoked one', bearer(revoked.token)],
    ['an expired one', bearer(expired.token)],
    ['the right one in another header', `X-API-Key: ${token}`],
    ['the right one in a cookie', `Cookie: token=${token}`],
    ['the right one for a proxy', `Proxy-Authorization: Bearer ${token}`],
  ]
  for (const [name, ...headers] of rows) {
    test(name, async (t) => {
      const { gateway, recorder } = await startWithKeys(t, [good, revoked, expired])
      const expected = unauthorized(await get(gateway, EVENTS))
      assert.ok(expected.includes('"www-authenticate":"Bearer"'))
      for (const target of [EVENTS, '/mcp', '/mcp-audit/nothing', '/nowhere/x', '/x']) {
        const bytes = Buffer.from(getBytes(gateway.port, target, headers), 'latin1')
        assert.equal(unauthorized(await sendRaw(gateway.port, bytes)), expected)
      }
      assert.deepEqual(recorder.received, [])
      assert.equal((await get(gateway, EVENTS, bearer(token))).status, 200)
    })
  }

  test('a token in the query counts for nothing', async (t) => {
    const { gateway } = await startWithKeys(t, [good])
    assertRefused(await get(gateway, `${EVENTS}?access_token=${token}`), 401, 'unauthorized')
  })

  test('two of them are a malformed request, whatever they are', async (t) => {
    const { gateway } = await startWithKeys(t, [good])
    const answer = await get(gateway, EVENTS, bearer(token), bearer(token))
    assertRefused(answer, 400, 'duplicate_header')
  })
})

test('the answers come in their order: target, credentials, service, path, method, body, scope', async (t) => {
  const key = makeKey(['audit:read'])
  const { gateway, recorder } = await startWithKeys(t, [key])
  const { port } = gateway
  const known = bearer(key.token)
  assertRefused(await get(gateway, '/mcp-audit/../x'), 400, 'invalid_target')
  assertRefused(await get(gateway, '/MCP-AUDIT/x'), 400, 'invalid_target')
  assertRefused(await get(gateway, '/nowhere/x'), 401, 'unauthorized')
  assertRefused(await get(gateway, '/nowhere/x', known), 404, 'unknown_service')
  assertRefused(await get(gateway, '/x', known), 404, 'not_found')
  assertRefused(await get(gateway, '/mcp-audit/x', known), 403, 'path_not_allowed')
  assertRefused(await get(gateway, '/mcp-audit/log', known), 405, 'method_not_allowed')
  const text = requestBytes(port, 'POST /mcp-audit/log HTTP/1.1', [known, 'Content-Length: 1'], 'x')
  assertRefused(await sendRaw(port, text), 415, 'unsupported_media_type')
  const json = ['Content-Type: application/json', known, 'Content-Length: 1']
  const broken = requestBytes(port, 'POST /mcp-audit/log HTTP/1.1', json, 'x')
  assertRefused(await sendRaw(port, broken), 400, 'invalid_json')
  const answer = await post(gateway, '/mcp-audit/log', known)
  assertRefused(answer, 403, 'insufficient_scope')
  const challenge = 'Bearer error="insufficient_scope", scope="audit:append"'
  assert.equal(answer.headers['www-authenticate'], challenge)
  assert.deepEqual(recorder.received, [])
})

test('nobody takes room for a large body who may not send it', async (t) => {
  const key = makeKey(['audit:read'])
  const { gateway, recorder } = await startWithKeys(t, [key])
  for (const length of ['Content-Length: 65537', 'Transfer-Encoding: chunked']) {
    // Whoever would read the body says 100 first.
    const headers = ['Content-Type: application/json', 'Expect: 100-continue', length]
    const head = requestBytes(gateway.port, 'POST /mcp-audit/log/batch HTTP/1.1', [
      ...headers,
      bearer(key.token),
    ])
    assertRefused(await sendRaw(gateway.port, head), 403, 'insufficient_scope')
  }
  assert.deepEqual(recorder.received, [])
})

describe('scopes', () => {
  const routes = Object.entries(ALLOWED_ROUTES).flatMap(([service, listed]) =>
    listed.map((route) => ({ service, ...route })),
  )
  const example: Record<string, string> = {
    id: '1',
    model_id: 'm',
    digest: `sha256:${'0'.repeat(64)}`,
    L: '0',
    N: '000',
  }
  test('each route lets in its own scope and admin, and nobody with all the others', async (t) => {
    const scopes = [...new Set(routes.map(({ access }) => access))]
    const having = new Map(scopes.map((scope) => [scope, makeKey([scope as 'admin'])]))
    const lacking = new Map(
      scopes.map((scope) => [
        scope,
        makeKey(scopes.filter((other) => other !== scope) as 'admin'[]),
      ]),
    )
    const admin = makeKey(['admin'])
    const keys = [...having.values(), ...lacking.values(), admin]
    const { gateway, recorder } = await startWithKeys(t, keys)
    for (const { service, method, path, access } of routes) {
      const target = `/${service}${path.replace(/\{(\w+)\}/g, (_, name) => example[name] as string)}`
      const call = (key = admin) =>
        (method === 'GET' ? get : post)(gateway, target, bearer(key.token))
      assertRefused(await call(lacking.get(access)), 403, 'insufficient_scope')
      assert.deepEqual(recorder.received, [], target)
      assert.equal((await call(having.get(access))).status, 200, target)
      assert.equal((await call(admin)).status, 200, target)
      recorder.received.length = 0
    }
  })

  test('what is open needs nobody, and names nobody', async (t) => {
    const { gateway, recorder } = await startWithKeys(t, [])
    for (const target of ['/healthz', '/docs', '/openapi.json', '/mcp-audit/healthz']) {
      assert.equal((await get(gateway, target)).status, 200, target)
      assert.equal((await get(gateway, target, bearer('wrong'))).status, 200, target)
    }
    for (const { headers } of recorder.received.filter(({ target }) => target === '/healthz')) {
      assert.equal(headers['x-mcp-identity'], undefined)
    }
    assertRefused(await get(gateway, '/mcp-audit/readyz'), 401, 'unauthorized')
    assertRefused(await get(gateway, '/mcp'), 401, 'unauthorized')
  })

  test('a key without any of them that fits may still ask what there is', async (t) => {
    const key = makeKey(['lineage:read'])
    const { gateway } = await startWithKeys(t, [key])
    assert.equal((await get(gateway, '/mcp', bearer(key.token))).status, 200)
    assert.equal((await get(gateway, '/mcp-audit/readyz', bearer(key.token))).status, 200)
  })
})

describe('the file of keys', { concurrency: 8 }, () => {
  test('counts anew within a second of each change', async (t) => {
    const [first, second] = [makeKey(['admin']), makeKey(['admin'])]
    const { gateway, path } = await startWithKeys(t, [first])
    const status = async (key = first) => (await get(gateway, EVENTS, bearer(key.token))).status
    assert.deepEqual([await status(first), await status(second)], [200, 401])
    writeKeys(path, [first, second])
    await until(t, async () => (await status(second)) === 200)
    first.record.revoked_at = '2026-11-23T10:00:00Z'
    writeKeys(path, [first, second])
    await until(t, async () => (await status(first)) === 401)
    assert.equal(await status(second), 200)
    // In place, as an editor does it.
    writeFileSync(path, '{"v":1,"keys":[]}')
    await until(t, async () => (await status(second)) === 401)
  })

  test('an expiry counts from the moment that it names, without any change', async (t) => {
    const soon = new Date(Date.now() + 1_000).toISOString()
    const key = makeKey(['admin'], { expires_at: soon })
    const { gateway } = await startWithKeys(t, [key])
    const status = async () => (await get(gateway, EVENTS, bearer(key.token))).status
    await until(t, async () => (await status()) === 401)
    assert.ok(Date.now() >= Date.parse(soon))
  })

  const entry = makeKey(['admin']).record
  const broken: [name: string, text: string, fault: RegExp, mode?: number][] = [
    ['half of it', '{"v":1,"keys":[{"id":"abc', /is not JSON/],
    ['another version', '{"v":2,"keys":[]}', /v: /],
    ['no list', '{"v":1}', /keys: /],
    ['a member that is not known', '{"v":1,"keys":[],"x":1}', /"x"/],
    ['a member twice', '{"v":1,"keys":[],"keys":[]}', /is not JSON/],
    ['an id twice', JSON.stringify({ v: 1, keys: [entry, entry] }), /has an id twice/],
    [
      'a scope that is not known',
      JSON.stringify({ v: 1, keys: [{ ...entry, scopes: ['all'] }] }),
      /scopes/,
    ],
    ['no scope', JSON.stringify({ v: 1, keys: [{ ...entry, scopes: [] }] }), /scopes/],
    [
      'a name with a line break',
      JSON.stringify({ v: 1, keys: [{ ...entry, name: 'a\nb' }] }),
      /name/,
    ],
    [
      'a time without offset',
      JSON.stringify({ v: 1, keys: [{ ...entry, expires_at: '2027-01-01' }] }),
      /expires_at/,
    ],
    ['readable by its group', JSON.stringify({ v: 1, keys: [] }), /chmod 600/, 0o640],
    ['readable by all', JSON.stringify({ v: 1, keys: [] }), /chmod 600/, 0o604],
  ]
  for (const [name, text, fault, mode] of broken) {
    test(`${name} is refused at the start, and later leaves the last good one in force`, async (t) => {
      const path = join(temporaryFolder(t), 'api-keys.json')
      writeText(path, text, mode)
      await assert.rejects(startGuarded(t, { mode: 'keys', path }), (error) => {
        assert.ok(error instanceof EnvironmentError)
        assert.match(error.message, fault)
        assert.ok(error.message.startsWith(`API_KEYS_PATH: ${path} `))
        return true
      })
      const [key, later] = [makeKey(['admin']), makeKey(['admin'])]
      const { gateway, path: used } = await startWithKeys(t, [key])
      writeText(used, text, mode)
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      assert.equal((await get(gateway, EVENTS, bearer(key.token))).status, 200)
      writeKeys(used, [later])
      await until(t, async () => (await get(gateway, EVENTS, bearer(later.token))).status === 200)
      assert.equal((await get(gateway, EVENTS, bearer(key.token))).status, 401)
    })
  }

  test('one that is not there, or is a folder, is refused at the start', async (t) => {
    const folder = temporaryFolder(t)
    const start = (path: string) => startGuarded(t, { mode: 'keys', path })
    await assert.rejects(
      start(join(folder, 'none')),
      /cannot be read \(ENOENT\).*aigov keys create/,
    )
    await assert.rejects(start(folder), /is no file/)
  })
})

test('a file of root may be open to one group for reading, as a mounted secret is, and to nobody else', () => {
  const self = 1000
  const closed = [0o400, 0o440, 0o640].map((mode) => isClosed({ mode, uid: 0 }, self))
  const open = [0o444, 0o460, 0o450, 0o441, 0o442].map((mode) => isClosed({ mode, uid: 0 }, self))
  assert.deepEqual(new Set(closed), new Set([true]))
  assert.deepEqual(new Set(open), new Set([false]))
  assert.equal(isClosed({ mode: 0o440, uid: self }, self), false)
  assert.equal(isClosed({ mode: 0o440, uid: 1001 }, self), false)
  assert.equal(isClosed({ mode: 0o440, uid: 0 }, 0), false)
})
