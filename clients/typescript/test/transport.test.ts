import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '../src/client.ts'
import { parseRetryAfter, waitBefore } from '../src/retry.ts'
import { failure } from './failure.ts'
import { deadUrl, json, made, problem, serve } from './server.ts'

const EVENT = { event_type: 'e', subject: 's', decision: true }

for (const status of [429, 502, 503, 504]) {
  test(`a GET answered ${status} is sent again under the same request id`, async (t) => {
    const { url, received } = await serve(t, (response, _request, number) => {
      if (number < 2) problem(response, status, 'overloaded')
      else json(response, { services: [] })
    })
    await createClient({ baseUrl: url }).gateway.directory()
    assert.equal(received.length, 3)
    assert.equal(new Set(received.map(({ headers }) => headers['x-request-id'])).size, 1)
  })
}

test('a GET whose connection breaks is sent again', async (t) => {
  const { url, received } = await serve(t, (response, _request, number) => {
    if (number === 0) response.socket?.destroy()
    else json(response, { services: [] })
  })
  await createClient({ baseUrl: url }).gateway.directory()
  assert.equal(received.length, 2)
})

test('a call is sent again as often as `retries` says, then its last error is thrown', async (t) => {
  const { url, received } = await serve(t, (response) => problem(response, 503, 'overloaded'))
  const client = createClient({ baseUrl: url, retries: 1 })
  const error = await failure(client.gateway.directory())
  assert.deepEqual([error.status, error.code, received.length], [503, 'overloaded', 2])
})

for (const [status, code] of [
  [400, 'invalid_request'],
  [404, 'not_found'],
  [500, 'internal_error'],
] as const) {
  test(`a GET answered ${status} is not sent again`, async (t) => {
    const { url, received } = await serve(t, (response) => problem(response, status, code))
    const error = await failure(createClient({ baseUrl: url }).policy.policies())
    assert.deepEqual([error.status, error.code, error.outcomeUnknown], [status, code, false])
    assert.equal(received.length, 1)
  })
}

for (const [status, code] of [
  [503, 'overloaded'],
  [503, 'database_unavailable'],
  [503, 'stopping'],
  [429, 'rate_limited'],
] as const) {
  test(`a change refused with ${status} ${code} is sent again, body and all`, async (t) => {
    const { url, received } = await serve(t, (response, request, number) => {
      if (number === 0) problem(response, status, code)
      else made(response, request)
    })
    await createClient({ baseUrl: url }).audit.log(EVENT)
    assert.deepEqual(
      received.map(({ body }) => JSON.parse(body)),
      [EVENT, EVENT],
    )
  })
}

test('fetch itself sends a POST again after 421, which says that nobody took it', async (t) => {
  // Fetch, HTTP-network-or-cache fetch, step 14; no option of it prevents that. Nothing was carried out.
  const { url, received } = await serve(t, (response) =>
    problem(response, 421, 'misdirected_request'),
  )
  const error = await failure(createClient({ baseUrl: url }).audit.log(EVENT))
  assert.deepEqual([error.status, error.outcomeUnknown, received.length], [421, false, 2])
})

test('a validation changes nothing and is sent again where a change would not be', async (t) => {
  const { url, received } = await serve(t, (response, _request, number) => {
    if (number === 0) response.socket?.destroy()
    else if (number === 1) problem(response, 502, 'upstream_invalid')
    else json(response, { allowed: true, reasons: [] })
  })
  assert.equal((await createClient({ baseUrl: url }).policy.validate({})).allowed, true)
  assert.equal(received.length, 3)
})

test('a probe is not sent again: that a service is not ready is an answer', async (t) => {
  const { url, received } = await serve(t, (response) => problem(response, 503, 'not_ready'))
  const error = await failure(createClient({ baseUrl: url }).audit.ready())
  assert.deepEqual([error.code, received.length], ['not_ready', 1])
})

test('where nobody listens nothing was changed', async () => {
  const client = createClient({ baseUrl: await deadUrl(), retries: 0 })
  const error = await failure(client.audit.log(EVENT))
  assert.deepEqual([error.code, error.outcomeUnknown], ['connection', false])
  assert.match(error.detail, /ECONNREFUSED/)
})

test('a Retry-After beyond the deadline ends the call at once', async (t) => {
  const { url, received } = await serve(t, (response) =>
    problem(response, 503, 'overloaded', { 'retry-after': '3600' }),
  )
  const error = await failure(createClient({ baseUrl: url }).gateway.directory())
  assert.deepEqual([error.code, error.retryAfter, received.length], ['overloaded', 3_600, 1])
})

test('a call ends when its time is over, and tells whether a change is open', async (t) => {
  const { url } = await serve(t, () => {})
  const client = createClient({ baseUrl: url })
  const read = await failure(client.gateway.directory({ timeoutMs: 50 }))
  assert.deepEqual([read.code, read.outcomeUnknown, read.status], ['deadline', false, undefined])
  const write = await failure(client.audit.log(EVENT, { timeoutMs: 50 }))
  assert.deepEqual([write.code, write.outcomeUnknown], ['deadline', true])
})

test('the time of a call includes the reading of the answer', async (t) => {
  const { url } = await serve(t, (response) => response.writeHead(200).write('{"services":'))
  const error = await failure(createClient({ baseUrl: url, timeoutMs: 100 }).gateway.directory())
  assert.equal(error.code, 'deadline')
})

test('a call ends with its signal, also in the middle of a wait', async (t) => {
  const abort = new AbortController()
  const { url, received } = await serve(t, (response) => {
    problem(response, 503, 'overloaded', { 'retry-after': '20' })
    setTimeout(() => abort.abort(new Error('enough')), 20)
  })
  const call = createClient({ baseUrl: url }).gateway.directory({ signal: abort.signal })
  const error = await failure(call)
  assert.deepEqual([error.code, (error.cause as Error).message], ['aborted', 'enough'])
  assert.equal(received.length, 1)
})

test('a call whose signal is aborted already sends nothing', async (t) => {
  const { url, received } = await serve(t, (response) => json(response, {}))
  const signal = AbortSignal.abort()
  const error = await failure(createClient({ baseUrl: url }).audit.log(EVENT, { signal }))
  assert.deepEqual([error.code, error.outcomeUnknown, received.length], ['aborted', false, 0])
})

for (const [what, body, code] of [
  ['HTML', '<html>', 'invalid_answer'],
  ['an array', '[]', 'invalid_answer'],
  ['nothing', '', 'invalid_answer'],
  ['bytes that are not UTF-8', Buffer.from('7b2261223a22ff227d', 'hex'), 'invalid_answer'],
] as const) {
  test(`an answer that is ${what} is ${code}`, async (t) => {
    const { url } = await serve(t, (response) => response.writeHead(200).end(body))
    const error = await failure(createClient({ baseUrl: url }).policy.policies())
    assert.deepEqual([error.code, error.status], [code, 200])
  })
}

test('an answer that says that it is larger than memory allows is not read', async (t) => {
  const { url } = await serve(t, (response) =>
    response.writeHead(200, { 'content-length': '99999999999' }).write('{'),
  )
  const error = await failure(createClient({ baseUrl: url }).policy.policies())
  assert.equal(error.code, 'answer_too_large')
})

test('an error says what the problem details say, unknown codes included', async (t) => {
  const { url } = await serve(t, (response) => {
    response.writeHead(418, { 'content-type': 'application/problem+json; charset=utf-8' })
    const errors = [{ path: 'a.b', message: 'is odd' }, 7]
    response.end(JSON.stringify({ code: 'teapot', detail: 'short', request_id: 'theirs', errors }))
  })
  const error = await failure(createClient({ baseUrl: url }).policy.policies())
  assert.deepEqual(
    [error.code, error.status, error.detail, error.requestId, error.errors],
    ['teapot', 418, 'short', 'theirs', [{ path: 'a.b', message: 'is odd' }]],
  )
})

for (const body of ['', 'null', '[]', '{}', '{"code":7}', '{"code":', '{"code":{"a":1}}']) {
  test(`problem details that are ${body || 'empty'} are invalid_answer with the status`, async (t) => {
    const { url } = await serve(t, (response) =>
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end(body),
    )
    const error = await failure(createClient({ baseUrl: url }).policy.policies())
    assert.deepEqual([error.code, error.status], ['invalid_answer', 400])
  })
}

test('token, headers and request id are sent, and a path before the gateway is kept', async (t) => {
  const { url, received } = await serve(t, (response) => json(response, { ok: true }))
  const client = createClient({
    baseUrl: `${url}/governance/`,
    token: 'T',
    headers: { 'x-a': 'b' },
  })
  await client.audit.health({ requestId: 'mine' })
  const { url: path, headers } = received[0] as (typeof received)[0]
  assert.equal(path, '/governance/mcp-audit/healthz')
  assert.deepEqual(
    [headers.authorization, headers['x-a'], headers['x-request-id']],
    ['Bearer T', 'b', 'mine'],
  )
})

test('what cannot be right is refused before anything is sent', async () => {
  for (const options of [
    { baseUrl: 'http://gateway', timeoutMs: 0 },
    { baseUrl: 'http://gateway', timeoutMs: Number.NaN },
    { baseUrl: 'http://gateway', retries: -1 },
    { baseUrl: 'http://gateway', retries: 0.5 },
    { baseUrl: 'http://gateway', token: 'a\nb' },
  ]) {
    assert.throws(() => createClient(options), { code: 'invalid_argument' })
  }
  const client = createClient({
    baseUrl: 'http://gateway.test',
    fetch: () => assert.fail('something was sent'),
  })
  const calls = [
    () => client.audit.event(0),
    () => client.audit.event(1.5),
    () => client.audit.event(2 ** 53),
    ...['a/b', 'a%b', 'a;b', '..', '.', '', '\ud800'].map(
      (id) => () => client.lineage.revisionsPageByPath(id),
    ),
    () => client.audit.health({ requestId: 'not allowed' }),
    () => client.audit.health({ timeoutMs: -1 }),
    () => client.policy.validate({ a: 1n as never }),
  ]
  for (const call of calls) assert.equal((await failure(call())).code, 'invalid_argument')
})

test('a redirect as a browser shows it is called a redirect, and has no status', async () => {
  // What fetch answers in a page (Fetch, opaque-redirect filtered response); Node shows the redirect itself.
  const opaque = Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })
  const client = createClient({ baseUrl: 'http://gateway.test', fetch: async () => opaque })
  const error = await failure(client.audit.log(EVENT))
  assert.deepEqual(
    [error.code, error.status, error.outcomeUnknown],
    ['invalid_answer', undefined, true],
  )
  assert.match(error.detail, /the answer is a redirect/)
})

test('waits grow, are spread, and are never shorter than Retry-After', () => {
  assert.equal(waitBefore(0, undefined, 0), 0)
  assert.ok(waitBefore(3, undefined, 0.5) > waitBefore(1, undefined, 0.5))
  assert.ok(waitBefore(1_000, undefined, 0.999) <= 10_000)
  assert.ok(waitBefore(0, 2, 0) >= 2_000)
  assert.equal(parseRetryAfter('7', 0), 7)
  assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:01:00 GMT', 15_000), 45)
  assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:00:00 GMT', 15_000), 0)
  assert.ok((parseRetryAfter('99999999999', 0) ?? 0) > 1e9)
  assert.equal(parseRetryAfter('soon', 0), undefined)
  assert.equal(parseRetryAfter(null, 0), undefined)
})
