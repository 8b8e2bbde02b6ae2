import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { type ClientOptions, createClient, type Token } from '../src/index.ts'
import { failure } from './failure.ts'
import { json, made, problem, serve } from './server.ts'

const TOKEN = `mcp_abcdefgh_${'s3cr3T-_'.repeat(6).slice(0, 43)}`
const EVENT = { event_type: 'e', subject: 's', decision: true }

/** Everything that printing a value could show. */
const shown = (value: unknown) => inspect(value, { depth: 20, showHidden: true, getters: true })

test('a token is sent as a bearer credential with each call', async (t) => {
  const { url, received } = await serve(t, (response) => json(response, { services: [] }))
  await createClient({ baseUrl: url, token: TOKEN }).gateway.directory()
  assert.equal(received[0]?.headers.authorization, `Bearer ${TOKEN}`)
})

test('a function gives the token of each attempt, so that one that was renewed meanwhile counts', async (t) => {
  const { url, received } = await serve(t, (response, request, number) => {
    if (number === 0) problem(response, 503, 'overloaded')
    else made(response, request)
  })
  let given = 0
  const client = createClient({ baseUrl: url, token: async () => `t${++given}` })
  await client.audit.log(EVENT)
  assert.deepEqual(
    received.map(({ headers }) => headers.authorization),
    ['Bearer t1', 'Bearer t2'],
  )
})

for (const [what, token] of [
  ['fails', () => Promise.reject(new Error('the issuer is away'))],
  ['throws', (() => JSON.parse('{')) as () => string],
  ['gives no token', () => 'two words'],
  ['gives nothing', (() => undefined) as unknown as () => string],
] as const satisfies readonly (readonly [string, Token])[]) {
  test(`where the function ${what}, nothing is sent and the error has a code`, async (t) => {
    const { url, received } = await serve(t, (response) => json(response, {}))
    const error = await failure(createClient({ baseUrl: url, token }).audit.log(EVENT))
    assert.deepEqual(
      [error.code, error.outcomeUnknown, received.length],
      ['token_unavailable', false, 0],
    )
    assert.ok(error.cause instanceof Error)
  })
}

test('waiting for a token is part of the time of the call, and ends with its signal', async (t) => {
  const { url, received } = await serve(t, (response) => json(response, {}))
  const client = createClient({ baseUrl: url, token: () => new Promise(() => {}) })
  assert.equal((await failure(client.audit.log(EVENT, { timeoutMs: 30 }))).code, 'deadline')
  const signal = AbortSignal.timeout(30)
  const error = await failure(client.audit.log(EVENT, { signal }))
  assert.deepEqual([error.code, error.outcomeUnknown, received.length], ['aborted', false, 0])
})

test('a token is never carried along a redirect', async (t) => {
  const other = await serve(t, (response) => json(response, { services: [] }))
  for (const status of [301, 302, 303, 307, 308]) {
    const { url, received } = await serve(t, (response) =>
      response.writeHead(status, { location: `${other.url}/mcp` }).end(),
    )
    const client = createClient({ baseUrl: url, token: TOKEN })
    assert.equal((await failure(client.gateway.directory())).code, 'invalid_answer')
    assert.equal((await failure(client.audit.log(EVENT))).code, 'invalid_answer')
    assert.equal(received.length, 2)
  }
  assert.equal(other.received.length, 0)
})

test('the next page is asked for at the gateway, wherever its link leads', async (t) => {
  const other = await serve(t, (response) => json(response, []))
  const { url, received } = await serve(t, (response, _request, number) => {
    const link =
      number === 0 ? { link: `<${other.url}/mcp-audit/events?before=1>; rel="next"` } : {}
    json(response, number === 0 ? [{ id: 1 }] : [], link)
  })
  for await (const _ of createClient({ baseUrl: url, token: TOKEN }).audit.events({}));
  assert.deepEqual([received.length, other.received.length], [2, 0])
})

test('credentials are not sent over http to another machine, unless that is allowed', async () => {
  for (const host of [
    '10.0.0.1',
    'gov.example.org',
    '127.0.0.1.example.org',
    '[::2]',
    '128.0.0.1',
  ]) {
    const baseUrl = `http://${host}:8080`
    for (const options of [{ token: TOKEN }, { headers: { AUTHORIZATION: `Basic ${TOKEN}` } }]) {
      assert.throws(
        () => createClient({ baseUrl, ...options }),
        (error: Error) => /allowInsecure/.test(error.message) && !shown(error).includes(TOKEN),
      )
      createClient({ baseUrl, ...options, allowInsecure: true })
      createClient({ baseUrl: `https://${host}:8080`, ...options })
    }
    createClient({ baseUrl })
  }
  for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '[::1]', 'LOCALHOST']) {
    createClient({ baseUrl: `http://${host}:8080`, token: TOKEN })
  }
})

test('what is no token is refused at once, and never repeated', () => {
  const bad = ['', 'a b', ' a', 'a\n', 'a\r\nX-Evil: 1', '"a"', 'é', 'a=b', 'x'.repeat(8_193)]
  for (const token of bad) {
    const options = { baseUrl: 'http://127.0.0.1:8080', token }
    assert.throws(
      () => createClient(options),
      (error: Error & { code?: string }) =>
        error.code === 'invalid_argument' && (token.length < 3 || !shown(error).includes(token)),
      JSON.stringify(token),
    )
  }
  const both = { token: TOKEN, headers: { authorization: 'Basic x' } }
  assert.throws(() => createClient({ baseUrl: 'http://127.0.0.1:8080', ...both }), {
    code: 'invalid_argument',
  })
  const headers = { 'x-a': `a\n${TOKEN}` }
  assert.throws(
    () => createClient({ baseUrl: 'http://127.0.0.1:8080', headers }),
    (error) => !shown(error).includes(TOKEN),
  )
})

for (const [options, advice] of [
  [{}, /No token was sent: whoever runs the gateway makes one with "aigov keys create"/],
  [{ token: TOKEN }, /The token that was sent does not count here/],
] as const satisfies readonly (readonly [Partial<ClientOptions>, RegExp])[]) {
  test(`a call that is refused as unauthorized ${'token' in options ? 'with' : 'without'} a token says what to do, and is not sent again`, async (t) => {
    const { url, received } = await serve(t, (response) => problem(response, 401, 'unauthorized'))
    const error = await failure(createClient({ baseUrl: url, ...options }).audit.log(EVENT))
    assert.deepEqual(
      [error.code, error.status, error.requestId, error.outcomeUnknown, received.length],
      ['unauthorized', 401, 'theirs', false, 1],
    )
    assert.match(error.detail, advice)
  })
}

test('a missing scope is not sent again', async (t) => {
  const { url, received } = await serve(t, (response) =>
    problem(response, 403, 'insufficient_scope'),
  )
  const error = await failure(createClient({ baseUrl: url, token: TOKEN }).policy.policies())
  assert.deepEqual([error.code, error.status, received.length], ['insufficient_scope', 403, 1])
})

test('a rate limit is waited for, as long as the time of the call allows', async (t) => {
  const { url, received } = await serve(t, (response, request, number) => {
    if (number === 0) problem(response, 429, 'rate_limited', { 'retry-after': '0' })
    else if (number === 1) made(response, request)
    else problem(response, 429, 'rate_limited', { 'retry-after': '31' })
  })
  const client = createClient({ baseUrl: url, token: TOKEN })
  await client.audit.log(EVENT)
  assert.equal(received.length, 2)
  const error = await failure(client.policy.policies())
  assert.deepEqual([error.code, error.retryAfter, received.length], ['rate_limited', 31, 3])
})

async function everyFailure(t: TestContext): Promise<unknown[]> {
  const refusing = await serve(t, (response) => problem(response, 401, 'unauthorized'))
  const broken = await serve(t, (response) => response.socket?.destroy())
  const silent = await serve(t, () => {})
  const odd = await serve(t, (response) => response.writeHead(200).end('<html>'))
  const client = (baseUrl: string) => createClient({ baseUrl, token: TOKEN, retries: 0 })
  return Promise.all([
    failure(client(refusing.url).audit.log(EVENT)),
    failure(client(broken.url).audit.log(EVENT)),
    failure(client(silent.url).audit.log(EVENT, { timeoutMs: 30 })),
    failure(client(odd.url).audit.log(EVENT)),
    failure(client('http://127.0.0.1:1').audit.log(EVENT)),
  ])
}

test('a token is in no error and in nothing that shows a client', async (t) => {
  for (const error of await everyFailure(t)) {
    assert.ok(!shown(error).includes('s3cr3T'), shown(error))
  }
  assert.ok(
    !shown(createClient({ baseUrl: 'http://127.0.0.1:1', token: TOKEN })).includes('s3cr3T'),
  )
})
