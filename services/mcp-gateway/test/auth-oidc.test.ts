import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { freePort } from '@ai-governance/infra/local/ports'
import { exportJWK } from 'jose'
import { bearer, get, post, until, verified } from './auth-harness.ts'
import { assertRefused, getBytes } from './harness.ts'
import { CLIENTS, EVENTS, guardedBy, key, startIssuer, stranger } from './oidc-guarded.ts'
import { AUDIENCE, craft, Issuer, newIssuer, newSigningKey, now, startTrap } from './oidc-issuer.ts'

test('a token of the issuer lets in whom it stands for, with the scopes that it lists', async (t) => {
  const issuer = await startIssuer(t)
  const { gateway, recorder, secret } = await guardedBy(t, issuer)
  const token = await issuer.token('ci', 'audit:append audit:read')
  assert.equal((await post(gateway, '/mcp-audit/log', bearer(token))).status, 200)
  const claims = verified(secret, 'mcp-audit', recorder.received[0] as never)
  assert.equal(claims.sub, 'oidc:ci')
  assert.deepEqual(claims.scopes, ['audit:append', 'audit:read'])
  assertRefused(await get(gateway, '/mcp-audit/export', bearer(token)), 403, 'insufficient_scope')
  const reader = await issuer.token('auditor', 'audit:read')
  assert.equal((await get(gateway, EVENTS, bearer(reader))).status, 200)
  assertRefused(await post(gateway, '/mcp-audit/log', bearer(reader)), 403, 'insufficient_scope')
  assert.equal(recorder.received.length, 2)
})

test('the issuer may change its keys: a new one counts at once, an old one until it is taken back', async (t) => {
  const issuer = await startIssuer(t)
  const { gateway } = await guardedBy(t, issuer, { times: { refresh: 200 } })
  const status = async (token: string) => (await get(gateway, EVENTS, bearer(token))).status
  const old = await issuer.token('ci', 'audit:read')
  assert.equal(await status(old), 200)
  await issuer.useKeys(newSigningKey('second'), key)
  const fresh = await issuer.token('ci', 'audit:read')
  assert.deepEqual([await status(fresh), await status(old)], [200, 200])
  await issuer.useKeys(newSigningKey('third'))
  await until(t, async () => (await status(old)) === 401)
  assert.equal(await status(await issuer.token('ci', 'audit:read')), 200)
})

test('tokens with keys that nobody knows do not make the gateway ask again and again', async (t) => {
  const issuer = await startIssuer(t)
  const { gateway } = await guardedBy(t, issuer, { times: { cooldown: 60_000 } })
  const asked = issuer.asked.length
  for (let i = 0; i < 20; i++) {
    const token = await craft(issuer, { ...stranger, kid: `unknown-${i}` })
    assertRefused(await get(gateway, EVENTS, bearer(token)), 401, 'unauthorized')
  }
  assert.equal(issuer.asked.length, asked)
})

describe('while the issuer is away', () => {
  test('the gateway starts, is not ready, and tells nobody that a token is wrong', async (t) => {
    const issuer = await newIssuer(CLIENTS)
    const { gateway } = await guardedBy(t, issuer, { wait: false })
    const ready = await get(gateway, '/readyz')
    const problem = assertRefused(ready, 503, 'not_ready')
    assert.deepEqual(problem.errors?.map(({ path }) => path).includes('oidc_issuer'), true)
    const token = await craft(issuer, key)
    const answer = await get(gateway, EVENTS, bearer(token))
    assertRefused(answer, 503, 'not_ready')
    assert.equal(answer.headers['retry-after'], '1')
    assertRefused(await get(gateway, EVENTS), 401, 'unauthorized')
    assertRefused(await get(gateway, EVENTS, bearer('x')), 401, 'unauthorized')
    assert.equal((await get(gateway, '/healthz')).status, 200)
    await issuer.useKeys(key)
    await issuer.listen(t)
    await until(t, async () => (await get(gateway, EVENTS, bearer(token))).status === 200)
  })

  test('the keys that it gave go on counting, for a time', async (t) => {
    const issuer = await startIssuer(t)
    const { gateway } = await guardedBy(t, issuer, { times: { refresh: 50, stale: 1_500 } })
    const token = await craft(issuer, key)
    issuer.close()
    assert.equal((await get(gateway, EVENTS, bearer(token))).status, 200)
    await until(t, async () => (await get(gateway, EVENTS, bearer(token))).status === 503)
  })
})

describe('what an issuer must not answer', () => {
  const document = (issuer: Issuer, jwks_uri = `${issuer.url}/jwks`) =>
    JSON.stringify({ issuer: issuer.url, jwks_uri })
  const rows: [
    name: string,
    path: RegExp,
    answer: (issuer: Issuer, trap: string) => [number, string, string?],
  ][] = [
    ['a redirect of its discovery', /openid/, (_, trap) => [302, '', `${trap}/x`]],
    ['a redirect of its keys', /jwks/, (_, trap) => [302, '', `${trap}/x`]],
    [
      'another issuer',
      /openid/,
      ({ url }) => [200, JSON.stringify({ issuer: `${url}/`, jwks_uri: `${url}/jwks` })],
    ],
    [
      'keys by http from elsewhere',
      /openid/,
      (issuer) => [200, document(issuer, 'http://keys.example/jwks')],
    ],
    ['keys in a file', /openid/, (issuer) => [200, document(issuer, 'file:///etc/passwd')]],
    [
      'keys behind a password',
      /openid/,
      (issuer) => [200, document(issuer, 'https://a:b@keys.example/')],
    ],
    ['no JSON', /openid/, () => [200, '<html>']],
    ['no list of keys', /jwks/, () => [200, '{"keys":{}}']],
    ['something endless', /jwks/, () => [200, `{"keys":[],"x":"${'x'.repeat(1_100_000)}"}`]],
    ['an error', /jwks/, () => [500, '{"keys":[]}']],
  ]
  for (const [name, path, answer] of rows) {
    test(name, async (t) => {
      const trap = await startTrap(t)
      const issuer = await newIssuer(CLIENTS)
      const jwk = await exportJWK(key.publicKey)
      let wrongs = 0
      issuer.answerWith(({ url = '' }, response) => {
        const right = url.includes('jwks') ? JSON.stringify({ keys: [jwk] }) : document(issuer)
        const [status, text, location] = path.test(url) ? answer(issuer, trap.url) : [200, right]
        wrongs += path.test(url) ? 1 : 0
        response.writeHead(status, location ? { location } : {}).end(text)
      })
      await issuer.listen(t)
      const { gateway } = await guardedBy(t, issuer, { wait: false })
      await until(t, () => wrongs > 1)
      const token = await craft(issuer, key)
      assertRefused(await get(gateway, EVENTS, bearer(token)), 503, 'not_ready')
      assert.equal(trap.asked.length, 0)
    })
  }
})

test('what differs harmlessly is let in', async (t) => {
  const issuer = await startIssuer(t)
  const { gateway } = await guardedBy(t, issuer)
  const tokens = [
    craft(issuer, key, { aud: ['https://other.example', AUDIENCE] }),
    craft(issuer, key, { nbf: now() + 10 }),
    craft(issuer, key, { exp: now() - 10 }),
    craft(issuer, key, { scope: ['audit:read', 'openid'] }),
    craft(issuer, key, {}, { typ: 'JWT' }),
    craft(issuer, key, {}, { typ: undefined }),
    craft(issuer, key, {}, { typ: 'application/at+JWT' }),
    craft(issuer, key, {}, { kid: undefined }),
  ]
  for (const token of tokens) {
    assert.equal((await get(gateway, EVENTS, bearer(await token))).status, 200)
  }
})

test('scopes come from the claim that is configured, and only those that there are', async (t) => {
  const issuer = await startIssuer(t)
  const { gateway, recorder, secret } = await guardedBy(t, issuer, {
    rules: { scopesClaim: 'roles' },
  })
  const roles = ['audit:read', 'Admin', 'admin ', 'root', 7, ['admin']]
  const token = await craft(issuer, key, { scope: 'admin', roles })
  assert.equal((await get(gateway, EVENTS, bearer(token))).status, 200)
  assert.deepEqual(verified(secret, 'mcp-audit', recorder.received[0] as never).scopes, [
    'audit:read',
  ])
  for (const wrong of [undefined, 7, { admin: true }, 'audit:reader', '']) {
    const none = await craft(issuer, key, { roles: wrong })
    assertRefused(await get(gateway, EVENTS, bearer(none)), 403, 'insufficient_scope')
  }
})

test('an issuer that nobody runs leaves the gateway able to stop', async (t) => {
  const issuer = new Issuer(await freePort(), CLIENTS)
  const { gateway } = await guardedBy(t, issuer, { wait: false })
  await gateway.app.close()
})

test('a caller that leaves while the issuer is asked is not called for any more, and is counted', async (t) => {
  const asked = Promise.withResolvers<() => void>()
  const issuer = await newIssuer(CLIENTS)
  const jwk = await exportJWK(key.publicKey)
  let questions = 0
  issuer.answerWith(({ url = '' }, response) => {
    const document = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }
    const late = { ...jwk, kid: 'late' }
    const answer = JSON.stringify(
      url === '/jwks' ? { keys: [{ ...jwk, kid: 'first' }, late] } : document,
    )
    const first = answer.replace('"late"', '"not yet"')
    const give = () => response.end(questions <= 2 ? first : answer)
    if (++questions === 3) asked.resolve(give)
    else give()
  })
  await issuer.listen(t)
  const { gateway, recorder } = await guardedBy(t, issuer, { times: { answer: 60_000 } })
  const token = await craft(issuer, { ...key, kid: 'late' })
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write(getBytes(gateway.port, EVENTS, [bearer(token)]))
  const answer = await asked.promise
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  answer()
  const { registry } = gateway.app.metrics
  await until(t, async () => (await registry.metrics()).includes('status="499"'))
  assert.deepEqual(recorder.received, [])
})
