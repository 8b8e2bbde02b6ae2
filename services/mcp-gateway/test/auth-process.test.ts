import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  bearer,
  makeKey,
  makeSecret,
  temporaryFolder,
  until,
  verified,
  writeKeys,
  writeText,
} from './auth-harness.ts'
import { getBytes, postBytes, sendRaw, startRecorder } from './harness.ts'
import { AUDIENCE, craft, newIssuer, newSigningKey } from './oidc-issuer.ts'
import { startProcess } from './process.ts'

const EVENTS = '/mcp-audit/events'

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function startKeys(t: TestContext) {
  const key = makeKey(['audit:read'], { name: 'ci' })
  const API_KEYS_PATH = join(temporaryFolder(t), 'api-keys.json')
  writeKeys(API_KEYS_PATH, [key, makeKey(['admin'], { revoked_at: '2026-11-23T10:00:00Z' })])
  const { path: IDENTITY_SECRET_PATH, secret } = makeSecret(t)
  const recorder = await startRecorder(t)
  const services = { 'mcp-audit': recorder.url, 'mcp-lineage': recorder.url }
  const env = { AUTH_MODE: 'keys', API_KEYS_PATH, IDENTITY_SECRET_PATH, LOG_LEVEL: 'trace' }
  return {
    key,
    secret,
    recorder,
    path: API_KEYS_PATH,
    process: await startProcess(t, services, env),
  }
}

test('with keys it says in its log who called, and puts denials on the log when it stops', async (t) => {
  const { key, secret, recorder, process } = await startKeys(t)
  const { port } = process
  const id = (text: string) => `X-Request-ID: ${text}`
  await sendRaw(port, getBytes(port, EVENTS, [bearer(key.token), id('known')]))
  await sendRaw(port, getBytes(port, '/mcp', [bearer(key.token), id('own')]))
  await sendRaw(port, getBytes(port, EVENTS, [bearer(makeKey([]).token), id('unknown')]))
  const json = ['Content-Type: application/json', bearer(key.token), id('scope')]
  await sendRaw(port, postBytes(port, '/api/v1/models/register', '{}', json))
  process.child.kill('SIGTERM')
  assert.equal(await process.stopped(), 0)
  const lines = linesOf(process.output.stdout)
  const of = (wanted: string) => lines.filter((line) => line.request_id === wanted)
  for (const wanted of ['known', 'own', 'unknown', 'scope'])
    assert.equal(of(wanted).length, 1, wanted)
  assert.equal(of('known')[0]?.actor, 'key:ci')
  assert.equal(of('own')[0]?.actor, 'key:ci')
  const [unknown, scope] = [of('unknown')[0], of('scope')[0]]
  assert.deepEqual(
    [unknown?.actor, unknown?.code, unknown?.denied, unknown?.source],
    [undefined, 'unauthorized', 'unknown', '127.0.0.1'],
  )
  assert.deepEqual(
    [scope?.actor, scope?.code, scope?.denied],
    ['key:ci', 'insufficient_scope', 'missing_scope'],
  )
  const batch = recorder.received.find(({ target }) => target === '/log/batch')
  assert.ok(batch)
  assert.equal(verified(secret, 'mcp-audit', batch).sub, 'service:mcp-gateway')
})

test('no log, answer or entry holds a token, a hash of one, the secret or a signature', async (t) => {
  const { key, secret, recorder, path, process } = await startKeys(t)
  const { port } = process
  const wrong = makeKey(['admin'])
  const others = ['Bearer s3cret', 'Basic czNjcmV0', `Token ${key.token}`]
  const headers = [
    bearer(key.token),
    bearer(wrong.token),
    ...others.map((v) => `Authorization: ${v}`),
  ]
  const answers: string[] = []
  for (const header of headers) {
    for (const target of [EVENTS, '/mcp', '/mcp-audit/export', `${EVENTS}?x=${key.token}`, '/..']) {
      answers.push(JSON.stringify(await sendRaw(port, getBytes(port, target, [header]))))
    }
    const json = ['Content-Type: application/json', header]
    answers.push(JSON.stringify(await sendRaw(port, postBytes(port, '/mcp-audit/log', 'x', json))))
  }
  // A file that is broken, and says what it holds by its errors.
  writeText(path, JSON.stringify({ v: 1, keys: [{ ...wrong.record, id: key.token }] }))
  await until(t, () => process.output.stdout.includes('API_KEYS_PATH is not usable'))
  process.child.kill('SIGTERM')
  assert.equal(await process.stopped(), 0)
  const identities = recorder.received.map(({ headers }) => String(headers['x-mcp-identity']))
  const secrets = [key, wrong].flatMap(({ token, record }) => [
    token,
    token.slice(13),
    record.sha256,
  ])
  const entries = recorder.received.map(({ body, target }) => `${target} ${body}`)
  const said = [process.output.stdout, process.output.stderr, ...answers, ...entries].join('\n')
  for (const hidden of [...secrets, secret, ...identities, 's3cret', 'czNjcmV0']) {
    assert.ok(hidden.length > 5 && !said.includes(hidden), hidden)
  }
  assert.ok(said.includes('key:ci'))
})

test('with an issuer it starts before the issuer does, and ignores proxies', async (t) => {
  const issuer = await newIssuer({ ci: 'audit:read' })
  const key = newSigningKey('k')
  const recorder = await startRecorder(t)
  const proxy = await startRecorder(t)
  const { path: IDENTITY_SECRET_PATH, secret } = makeSecret(t)
  const process = await startProcess(
    t,
    { 'mcp-audit': recorder.url },
    {
      ...{
        AUTH_MODE: 'oidc',
        OIDC_ISSUER: issuer.url,
        OIDC_AUDIENCE: AUDIENCE,
        IDENTITY_SECRET_PATH,
      },
      ...{ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url, http_proxy: proxy.url },
    },
  )
  const ask = async (token: string) =>
    sendRaw(process.port, getBytes(process.port, EVENTS, [bearer(token)]))
  const token = await craft(issuer, key, { sub: 'someone@example' })
  assert.equal((await ask(token)).status, 503)
  await issuer.useKeys(key)
  await issuer.listen(t)
  await until(t, async () => (await ask(token)).status === 200)
  const claims = verified(secret, 'mcp-audit', recorder.received[0] as never)
  assert.equal(claims.sub, 'oidc:someone@example')
  assert.deepEqual(proxy.received, [])
  assert.equal((await ask(`${token.slice(0, -4)}AAAA`)).status, 401)
  process.child.kill('SIGTERM')
  assert.equal(await process.stopped(), 0)
  for (const part of token.split('.')) assert.ok(!process.output.stdout.includes(part))
})

test('AUTH_MODE=keys may listen on every address', async (t) => {
  const { path: IDENTITY_SECRET_PATH } = makeSecret(t)
  const API_KEYS_PATH = join(temporaryFolder(t), 'api-keys.json')
  const key = makeKey(['admin'])
  writeKeys(API_KEYS_PATH, [key])
  const env = { HOST: '0.0.0.0', AUTH_MODE: 'keys', API_KEYS_PATH, IDENTITY_SECRET_PATH }
  const { port } = await startProcess(t, { 'mcp-audit': 'http://127.0.0.1:9' }, env)
  assert.equal((await sendRaw(port, getBytes(port, '/mcp'))).status, 401)
  assert.equal((await sendRaw(port, getBytes(port, '/mcp', [bearer(key.token)]))).status, 200)
})
