import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { assertOnlyKnownCallers, type CallerConfig } from '../../src/callers/caller-config.ts'
import { GATEWAY_SERVICE, type RouteAccess, registerCallers } from '../../src/callers/callers.ts'
import { type IdentityClaims, serviceClaims, signIdentity } from '../../src/callers/identity.ts'
import { SCOPES } from '../../src/callers/scopes.ts'
import { EnvironmentError } from '../../src/environment.ts'
import { createServer } from '../../src/http/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'callers-test-'))
after(() => rmSync(folder, { recursive: true }))
const key = randomBytes(32)
const keyFile = join(folder, 'key')
writeFileSync(keyFile, key.toString('base64url'))

const ACCESS: Record<string, RouteAccess> = {
  'GET /read': 'audit:read',
  'POST /append': 'audit:append',
  'GET /any': 'authenticated',
  'POST /own': GATEWAY_SERVICE,
}

/** A service that answers who called. */
function service(config: Partial<CallerConfig>) {
  const host = { ports: [80], allowedHosts: [] }
  const app = createServer({ name: 'mcp-audit', logLevel: 'silent', host, missing: async () => [] })
  const given = { IDENTITY_REQUIRED: true, ...config }
  registerCallers(app, { service: 'mcp-audit', config: given, access: ACCESS })
  for (const url of ['/read', '/any'])
    app.get(url, async ({ actor, identity }) => ({ actor, identity }))
  for (const url of ['/append', '/own']) app.post(url, async ({ actor }) => ({ actor }))
  return app
}

type Call = { method: 'GET' | 'POST'; url: string }
const READ: Call = { method: 'GET', url: '/read' }
const BODY = '{}'

/** Sends a call; signed as the gateway does, unless `changes` is null. */
async function send(
  app: ReturnType<typeof service>,
  { method, url }: Call,
  changes: Partial<IdentityClaims> | null,
) {
  const body = method === 'POST' ? BODY : ''
  const call = { from: 'mcp-gateway', to: 'mcp-audit', scopes: ['audit:read'], requestId: 'r-1' }
  const claims = serviceClaims({ ...call, method, target: url, body }, Date.now() / 1_000)
  const forwarded = { ...claims, sub: 'key:ann', svc: null, ...changes }
  const answer = await app.inject({
    ...{ method, url },
    headers: {
      'x-request-id': 'r-1',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(changes && { 'x-mcp-identity': signIdentity(forwarded, key) }),
    },
    ...(method === 'POST' && { payload: body }),
  })
  return { status: answer.statusCode, json: answer.json() as Record<string, unknown> }
}

test('the attack: a route that nobody has put into the table cannot be there', () => {
  const app = service({})
  assert.throws(
    () => app.get('/forgotten', async () => ({})),
    /mcp-audit has GET \/forgotten, and its table of access does not/,
  )
  assert.throws(() => app.get('/toString', async () => ({})), /its table of access does not/)
})

test('with a key an unsigned call is refused, probes excepted, and a signed one names its caller', async () => {
  const app = service({ IDENTITY_KEY_PATH: keyFile })
  const refused = await send(app, READ, null)
  assert.deepEqual([refused.status, refused.json.code], [401, 'unauthorized'])
  for (const url of ['/healthz', '/readyz']) {
    assert.equal((await send(app, { method: 'GET', url }, null)).status, 200)
  }
  const { status, json } = await send(app, READ, {})
  assert.deepEqual([status, json.actor], [200, 'key:ann'])
  assert.equal((json.identity as IdentityClaims).iss, 'mcp-gateway')
})

test('where nobody has to sign, who does not is anonymous and may do everything, and who does is verified', async () => {
  const app = service({ IDENTITY_KEY_PATH: keyFile, IDENTITY_REQUIRED: false })
  const unsigned = await send(app, READ, null)
  assert.deepEqual(unsigned, { status: 200, json: { actor: 'anonymous', identity: null } })
  const signed = await send(app, READ, {})
  assert.equal(signed.json.actor, 'key:ann')
  assert.equal((await send(app, READ, { aud: 'mcp-lineage' })).status, 401)
  assert.equal((await send(app, READ, { scopes: [] })).status, 403)
})

test('without a key the header means nothing, and everybody is anonymous', async () => {
  const app = service({})
  for (const changes of [null, {}, { aud: 'x' }]) {
    const { status, json } = await send(app, READ, changes)
    assert.deepEqual([status, json.actor], [200, 'anonymous'])
  }
})

test('a scope opens what it is for, admin everything, and no scope what is for any caller', async () => {
  const app = service({ IDENTITY_KEY_PATH: keyFile })
  const append: Call = { method: 'POST', url: '/append' }
  for (const scope of SCOPES) {
    const reads = ['audit:read', 'admin'].includes(scope)
    const appends = ['audit:append', 'admin'].includes(scope)
    assert.equal((await send(app, READ, { scopes: [scope] })).status, reads ? 200 : 403, scope)
    assert.equal((await send(app, append, { scopes: [scope] })).status, appends ? 200 : 403, scope)
  }
  assert.equal((await send(app, READ, { scopes: ['audit:reads', 'audit', '*'] })).status, 403)
  assert.equal((await send(app, { method: 'GET', url: '/any' }, { scopes: [] })).status, 200)
})

test('what is for the gateway itself is for nobody else, whatever his scopes', async () => {
  const own: Call = { method: 'POST', url: '/own' }
  const signed = service({ IDENTITY_KEY_PATH: keyFile })
  assert.equal((await send(signed, own, { scopes: ['admin'] })).status, 403)
  const gateway = { svc: GATEWAY_SERVICE, scopes: [] }
  const forSomebody = await send(signed, own, gateway)
  assert.deepEqual(forSomebody, { status: 200, json: { actor: 'key:ann' } })
  const forItself = await send(signed, own, { ...gateway, sub: GATEWAY_SERVICE })
  assert.deepEqual(forItself, { status: 200, json: { actor: GATEWAY_SERVICE } })
  for (const open of [
    service({}),
    service({ IDENTITY_KEY_PATH: keyFile, IDENTITY_REQUIRED: false }),
  ]) {
    assert.equal((await send(open, own, null)).status, 403)
  }
})

test('the attack: the key of a service does not make anybody a service', async () => {
  const app = service({ IDENTITY_KEY_PATH: keyFile })
  const claims: Partial<IdentityClaims>[] = [
    { sub: GATEWAY_SERVICE },
    { sub: 'service:mcp-policy' },
    { svc: 'service:mcp-policy' },
    { sub: 'service:mcp-policy', svc: GATEWAY_SERVICE },
    { sub: 'service:mcp-policy', svc: 'service:mcp-policy' },
    { iss: 'mcp-policy', sub: 'service:mcp-policy', svc: 'service:mcp-policy' },
    { iss: 'mcp-audit' },
  ]
  for (const changes of claims) {
    assert.equal((await send(app, READ, changes)).status, 401, JSON.stringify(changes))
  }
})

test('unsigned calls are taken where only this machine can connect, and nowhere else', () => {
  const open = { IDENTITY_REQUIRED: true }
  const lenient = { IDENTITY_KEY_PATH: keyFile, IDENTITY_REQUIRED: false }
  for (const config of [open, lenient]) {
    for (const HOST of ['127.0.0.1', 'localhost', '::1', '127.8.9.10']) {
      assertOnlyKnownCallers({ ...config, HOST })
    }
    assertOnlyKnownCallers({ ...config, HOST: '0.0.0.0', GATEWAY_BIND: '127.0.0.1' })
    for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.org', '127.0.0.1.nip.io']) {
      for (const GATEWAY_BIND of [undefined, '', '0.0.0.0', HOST]) {
        assert.throws(
          () => assertOnlyKnownCallers({ ...config, HOST, GATEWAY_BIND }),
          (error) => error instanceof EnvironmentError && /IDENTITY_KEY_PATH/.test(error.message),
        )
      }
    }
  }
  assertOnlyKnownCallers({ IDENTITY_KEY_PATH: keyFile, IDENTITY_REQUIRED: true, HOST: '0.0.0.0' })
})

test('a service reads the largest head that the gateway sends', async (t) => {
  const app = service({ IDENTITY_KEY_PATH: keyFile })
  t.after(() => app.close())
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new URL(origin).port)
  // Each character of these is two in JSON, and the target is in the identity too.
  const path = `/read?subject=${'"'.repeat(4_082)}`
  const id = 'r'.repeat(64)
  const call = { from: 'mcp-gateway', to: 'mcp-audit', scopes: [...SCOPES], requestId: id }
  const claims = serviceClaims(
    { ...call, method: 'GET', target: path, body: '' },
    Date.now() / 1_000,
  )
  const sub = `oidc:${'"'.repeat(255)}`
  const headers = {
    'x-request-id': id,
    'x-mcp-identity': signIdentity({ ...claims, sub, svc: null }, key),
    accept: 'a'.repeat(1_000),
    'accept-encoding': 'a'.repeat(1_000),
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    tracestate: `a=${'b'.repeat(250)},c=${'d'.repeat(250)}`,
    host: 'mcp-audit',
  }
  const [answer] = await once(get({ host: '127.0.0.1', port, path, headers }), 'response')
  answer.resume()
  assert.equal(answer.statusCode, 200)
})
