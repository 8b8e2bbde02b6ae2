import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { ApiError } from '@ai-governance/common/errors'
import { createServer } from '@ai-governance/common/http/server'
import { z } from 'zod'

let missing: string[] = []
const app = createServer({
  name: 'a-service',
  logLevel: 'silent',
  host: { ports: [80], allowedHosts: ['gov.example.org'] },
  missing: async () => missing,
})
app.post('/echo', { schema: { body: z.strictObject({ text: z.string() }) } }, async (r) => r.body)
app.post('/batch', { config: { ndjson: true, maxValues: 20 }, bodyLimit: 200 }, async (r) => r.body)
app.get('/boom', async () => {
  throw new Error('password=hunter2 at /srv/secret.ts')
})
app.get('/deep', async () => {
  await Promise.resolve()
  throw Object.assign(new Error('relation "audit_log" does not exist'), { statusCode: 418 })
})
app.get('/wrapped', async () => {
  throw new ApiError('database_busy', undefined, { cause: new Error('pg: secret host 10.0.0.1') })
})
after(() => app.close())

const json = { 'content-type': 'application/json' }

test('a message from deep inside never reaches a client', async () => {
  for (const [url, status, code] of [
    ['/boom', 500, 'internal_error'],
    ['/deep', 500, 'internal_error'],
    ['/wrapped', 503, 'database_busy'],
  ] as const) {
    const answer = await app.inject({ url })
    assert.equal(answer.statusCode, status)
    assert.equal(answer.json().code, code)
    assert.doesNotMatch(answer.body, /secret|hunter2|audit_log|10\.0/)
  }
})

test('every error is problem details with code and request id, and 503 says when to come back', async () => {
  const answer = await app.inject({ url: '/wrapped', headers: { 'x-request-id': 'abc.1' } })
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.headers['retry-after'], '1')
  assert.equal(answer.headers['x-request-id'], 'abc.1')
  const { title, detail, ...rest } = answer.json()
  assert.deepEqual(rest, {
    type: 'about:blank',
    status: 503,
    code: 'database_busy',
    request_id: 'abc.1',
  })
  assert.equal(typeof title, 'string')
  assert.equal(typeof detail, 'string')
})

test('a request id that could forge a log line is replaced', async () => {
  for (const id of ['', 'a b', 'a\tb', 'x'.repeat(65), '<script>', 'a"b']) {
    const answer = await app.inject({ url: '/healthz', headers: { 'x-request-id': id } })
    assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/)
  }
})

test('security headers are on every answer', async () => {
  for (const url of ['/healthz', '/boom', '/nothing', '/%zz', '/he%f4%90%80%80althz']) {
    const { headers } = await app.inject({ url })
    assert.ok(headers['x-request-id'], url)
    assert.equal(
      headers['content-security-policy'],
      "default-src 'none';frame-ancestors 'none'",
      url,
    )
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  }
})

test('a body that does not fit is 400 with the path of each fault', async () => {
  for (const text of [
    '{"text":1}',
    '{"text":null}',
    '{}',
    '[]',
    '"x"',
    'null',
    '{"text":"a","more":1}',
  ]) {
    const answer = await app.inject({ method: 'POST', url: '/echo', headers: json, payload: text })
    assert.equal(answer.statusCode, 400, text)
    assert.equal(answer.json().code, 'invalid_request')
    assert.ok(answer.json().errors.length > 0)
  }
})

test('unknown names are repeated, but not two hundred thousand of them', async () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `"name${i}":1`)
  const payload = `{"text":"a",${names.join(',')}}`
  const answer = await app.inject({ method: 'POST', url: '/echo', headers: json, payload })
  assert.equal(answer.statusCode, 400)
  assert.match(answer.body, /name0/)
  assert.ok(answer.body.length < 2_000)
})

test('a body that is not strict JSON is 400 invalid_json', async () => {
  for (const text of ['', '{', '{"text":"a","text":"b"}', '{"text":"\\u0000"}', '{"text":1e999}']) {
    const answer = await app.inject({ method: 'POST', url: '/echo', headers: json, payload: text })
    assert.equal(answer.statusCode, 400, text)
    assert.equal(answer.json().code, 'invalid_json', text)
  }
})

test('a body of another type or encoding is 415', async () => {
  for (const headers of [
    {},
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/json; boundary=x' },
    { 'content-type': 'application/jsonx' },
    { 'content-type': 'application/x-ndjson' },
    { ...json, 'content-encoding': 'gzip' },
  ]) {
    const answer = await app.inject({
      method: 'POST',
      url: '/echo',
      headers,
      payload: '{"text":"a"}',
    })
    assert.equal(answer.statusCode, 415, JSON.stringify(headers))
  }
})

test('a route may take NDJSON too, and then no other type', async () => {
  const send = (type: string, payload: string) =>
    app.inject({ method: 'POST', url: '/batch', headers: { 'content-type': type }, payload })
  for (const type of ['application/x-ndjson', 'application/x-ndjson; charset="utf-8"']) {
    const answer = await send(type, '{"a":1}\r\n\n{"a":2}')
    assert.deepEqual([answer.statusCode, answer.json()], [200, { events: [{ a: 1 }, { a: 2 }] }])
  }
  const json = await send('application/json', '{"events":[{"a":1}]}')
  assert.deepEqual(json.json(), { events: [{ a: 1 }] })
  const wrong = await send('application/x-ndjson', '{}\n[]')
  assert.deepEqual([wrong.statusCode, wrong.json().code], [400, 'invalid_json'])
  assert.equal(wrong.json().detail, 'line 2: an event must be a JSON object')
  const many = `{"a":[${Array(20).fill('0')}]}`
  assert.match((await send('application/x-ndjson', many)).json().detail, /more than 20 values/)
  assert.match((await send('application/json', many)).json().detail, /more than 20 values/)
  assert.equal((await send('application/x-ndjson', '{}'.padEnd(201))).statusCode, 413)
  const other = await send('text/plain', '{}')
  assert.equal(other.statusCode, 415)
  assert.match(other.json().detail, /application\/x-ndjson/)
})

test('a body over the limit is 413', async () => {
  const payload = JSON.stringify({ text: 'x'.repeat(1_048_576) })
  const answer = await app.inject({ method: 'POST', url: '/echo', headers: json, payload })
  assert.equal(answer.statusCode, 413)
})

test('only known hosts are answered, probes excepted', async () => {
  const status = async (host: string, url = '/nothing') =>
    (await app.inject({ url, headers: { host } })).statusCode
  assert.equal(await status('localhost'), 404)
  assert.equal(await status('127.0.0.1:80'), 404)
  assert.equal(await status('[::1]'), 404)
  assert.equal(await status('a-service:80'), 404)
  assert.equal(await status('GOV.example.org:8443'), 404)
  assert.equal(await status('evil.example.org'), 421)
  assert.equal(await status('localhost:81'), 421)
  assert.equal(await status('localhost.evil.example.org'), 421)
  for (const host of ['a b', 'user@localhost', 'localhost:', 'localhost:0']) {
    assert.equal(await status(host), 400, host)
  }
  assert.equal(await status('10.1.2.3:8000', '/healthz'), 200)
})

test('readiness says what is missing', async () => {
  assert.equal((await app.inject({ url: '/readyz' })).statusCode, 200)
  missing = ['database']
  const answer = await app.inject({ url: '/readyz' })
  missing = []
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.json().errors[0].path, 'database')
})

test('what the HTTP parser refuses is answered with problem details and closed', async () => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const exchange = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
  const garbage = await exchange('NOT HTTP\r\n\r\n')
  assert.match(garbage, /^HTTP\/1\.1 400 [\s\S]*X-Request-ID: [\s\S]*"code":"malformed_request"/)
  const nobody = await exchange('GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n')
  assert.match(nobody, /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_host"/)
  const huge = await exchange(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`)
  assert.match(huge, /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/)
})
