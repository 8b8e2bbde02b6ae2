import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import {
  assertRefused,
  getBytes,
  postBytes,
  type Recorder,
  requestBytes,
  sendRaw,
  startGateway,
  startPair,
} from './harness.ts'

const LOG = '/mcp-audit/log'
const JSON_TYPE = 'Content-Type: application/json'
/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 10_000 }
const CHUNKED = 'Transfer-Encoding: chunked'

type Bytes = (port: number) => string | Buffer
type Row = [name: string, bytes: Bytes, status: number, code: string]

const post =
  (headers: string[], body: string, version = '1.1'): Bytes =>
  (port) =>
    requestBytes(port, `POST ${LOG} HTTP/${version}`, [JSON_TYPE, ...headers], body)
const get =
  (headers: string[], version = '1.1'): Bytes =>
  (port) =>
    requestBytes(port, `GET /mcp-audit/events HTTP/${version}`, headers)
const bare =
  (text: string): Bytes =>
  (port) =>
    text.replaceAll('HOST', `127.0.0.1:${port}`)

/** All of these are 400, or what is said, and the connection is closed: its framing is in doubt. */
const classes: Record<string, Row[]> = {
  'body framing': [
    [
      'Content-Length with Transfer-Encoding',
      post(['Content-Length: 2', CHUNKED], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'Transfer-Encoding with Content-Length',
      post([CHUNKED, 'Content-Length: 2'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'two Content-Length',
      post(['Content-Length: 2', 'Content-Length: 2'], '{}'),
      400,
      'malformed_request',
    ],
    ['a list as Content-Length', post(['Content-Length: 2, 2'], '{}'), 400, 'malformed_request'],
    ['a signed Content-Length', post(['Content-Length: +2'], '{}'), 400, 'malformed_request'],
    ['a hexadecimal Content-Length', post(['Content-Length: 0x2'], '{}'), 400, 'malformed_request'],
    ['an empty Content-Length', post(['Content-Length:'], ''), 400, 'malformed_request'],
    [
      'an overflowing Content-Length',
      post(['Content-Length: 99999999999999999999'], '{}'),
      400,
      'malformed_request',
    ],
    [
      'an unknown Transfer-Encoding',
      post(['Transfer-Encoding: xchunked'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'Transfer-Encoding identity',
      post(['Transfer-Encoding: identity'], ''),
      400,
      'malformed_request',
    ],
    [
      'a coding before chunked',
      post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'chunked not last',
      post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['chunked twice', post([CHUNKED, CHUNKED], '0\r\n\r\n'), 400, 'malformed_request'],
    [
      'a vertical tab before chunked',
      post(['Transfer-Encoding: \vchunked'], '0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'Transfer-Encoding in HTTP/1.0',
      post([CHUNKED], '0\r\n\r\n', '1.0'),
      400,
      'malformed_request',
    ],
    ['a space before the colon', post(['Content-Length : 2'], '{}'), 400, 'malformed_request'],
    [
      'a chunk size in other notation',
      post([CHUNKED], '0x2\r\n{}\r\n0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['a negative chunk size', post([CHUNKED], '-2\r\n{}\r\n0\r\n\r\n'), 400, 'malformed_request'],
    [
      'an overflowing chunk size',
      post([CHUNKED], 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['chunks that end in a bare LF', post([CHUNKED], '2\n{}\n0\n\n'), 400, 'malformed_request'],
    ['bytes between chunks', post([CHUNKED], '2\r\n{}XX0\r\n\r\n'), 400, 'malformed_request'],
    [
      'large chunk extensions',
      post([CHUNKED], `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
      413,
      'body_too_large',
    ],
  ],
  'lines and fields': [
    [
      'lines that end in a bare LF',
      bare('GET /mcp-audit/events HTTP/1.1\nHost: HOST\n\n'),
      400,
      'malformed_request',
    ],
    [
      'a header line that ends in a bare LF',
      bare('GET /mcp-audit/events HTTP/1.1\r\nHost: HOST\nX: y\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['a folded header', get(['X: a\r\n b']), 400, 'malformed_request'],
    ['a bare CR in a value', get(['X: a\rb']), 400, 'malformed_request'],
    ['a NUL in a value', get(['X: a\0b']), 400, 'malformed_request'],
    [
      'white space before the first field',
      bare('GET /mcp-audit/events HTTP/1.1\r\n Host: HOST\r\n\r\n'),
      400,
      'malformed_request',
    ],
    ['a field without a colon', get(['X']), 400, 'malformed_request'],
    [
      'an unknown method',
      bare('FOO /mcp-audit/events HTTP/1.1\r\nHost: HOST\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'a method in lower case',
      bare('get /mcp-audit/events HTTP/1.1\r\nHost: HOST\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      'a space in the target',
      bare('GET /mcp-audit/events x HTTP/1.1\r\nHost: HOST\r\n\r\n'),
      400,
      'malformed_request',
    ],
    [
      '101 header fields',
      get(Array.from({ length: 100 }, (_, i) => `X-${i}: y`)),
      431,
      'headers_too_large',
    ],
    [
      '3,000 header fields',
      get(Array.from({ length: 3_000 }, () => 'X:')),
      431,
      'headers_too_large',
    ],
    ['a header of 17 KiB', get([`X: ${'a'.repeat(17_000)}`]), 431, 'headers_too_large'],
    ['two Content-Type', post([JSON_TYPE, 'Content-Length: 2'], '{}'), 400, 'duplicate_header'],
    [
      'two Authorization',
      get(['Authorization: Bearer a', 'authorization: Bearer b']),
      400,
      'duplicate_header',
    ],
  ],
  versions: [
    [
      'HTTP/0.9 without a version',
      bare('GET /mcp-audit/events\r\n\r\n'),
      505,
      'http_version_not_supported',
    ],
    ['HTTP/0.9 by name', get([], '0.9'), 505, 'http_version_not_supported'],
    ['HTTP/1.2', get([], '1.2'), 505, 'http_version_not_supported'],
    ['HTTP/2.0', get([], '2.0'), 505, 'http_version_not_supported'],
    ['HTTP/3.0', get([], '3.0'), 505, 'http_version_not_supported'],
    [
      'the HTTP/2 preface',
      bare('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      505,
      'http_version_not_supported',
    ],
    [
      'another protocol name',
      bare('GET /mcp-audit/events ICE/1.0\r\nHost: HOST\r\n\r\n'),
      400,
      'malformed_request',
    ],
  ],
  'upgrades and expectations': [
    [
      'Upgrade to WebSocket',
      get(['Connection: Upgrade', 'Upgrade: websocket']),
      400,
      'upgrade_refused',
    ],
    [
      'Upgrade to HTTP/2',
      get(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
      400,
      'upgrade_refused',
    ],
    ['Upgrade without Connection', get(['Upgrade: websocket']), 400, 'upgrade_refused'],
    [
      'an unknown expectation',
      post(['Expect: 200-ok', 'Content-Length: 2'], '{}'),
      417,
      'expectation_failed',
    ],
    [
      'a list of expectations',
      post(['Expect: 100-continue, foo', 'Content-Length: 2'], '{}'),
      417,
      'expectation_failed',
    ],
  ],
}

for (const [name, rows] of Object.entries(classes)) {
  describe(name, () => {
    for (const [what, bytes, status, code] of rows) {
      test(`${what} is refused with ${status}, the connection is closed, no service is reached`, async (t) => {
        const { gateway, recorder } = await startPair(t)
        const answer = await sendRaw(gateway.port, bytes(gateway.port), { untilClosed: true })
        assertRefused(answer, status, code)
        assert.ok(answer.closed)
        assert.equal(answer.body.search(/HTTP\/1\.1 \d{3} /), -1, 'a second answer')
        assert.deepEqual(recorder.received, [])
      })
    }
  })
}

test('CONNECT is closed without an answer', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const bytes = requestBytes(gateway.port, 'CONNECT 127.0.0.1:80 HTTP/1.1')
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.equal(answer.status, 0)
  assert.ok(answer.closed)
  assert.deepEqual(recorder.received, [])
})

test('a GET with a body is refused, whether its length is announced or it is chunked', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const get = 'GET /mcp-audit/events HTTP/1.1'
  const announced = requestBytes(gateway.port, get, ['Content-Length: 2'], '{}')
  const chunked = requestBytes(gateway.port, get, [CHUNKED], '2\r\n{}\r\n0\r\n\r\n')
  const own = requestBytes(gateway.port, 'GET /mcp HTTP/1.1', ['Content-Length: 2'], '{}')
  for (const bytes of [announced, chunked, own]) {
    assertRefused(await sendRaw(gateway.port, bytes), 400, 'body_not_allowed')
  }
  assert.deepEqual(recorder.received, [])
})

test('a GET with Content-Length 0 has no body', async (t) => {
  const { gateway } = await startPair(t)
  const bytes = getBytes(gateway.port, '/mcp-audit/events', ['Content-Length: 0'])
  assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
})

test('a chunked body with extensions and trailers arrives as one body of known length', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const bytes = post(
    [CHUNKED],
    '3;a=b\r\n{"a\r\n4\r\n":1}\r\n0\r\nX-MCP-Identity: x\r\n\r\n',
  )(gateway.port)
  assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
  const [call] = recorder.received
  assert.equal(call?.body.toString(), '{"a":1}')
  assert.equal(call?.headers['content-length'], '7')
  assert.equal(call?.headers['transfer-encoding'], undefined)
})

test('a caller that waits for 100 Continue is told so only where its body will be read', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const expect = [JSON_TYPE, 'Expect: 100-continue', 'Content-Length: 2']
  const unknown = requestBytes(gateway.port, 'POST /mcp-audit/nope HTTP/1.1', expect)
  assertRefused(await sendRaw(gateway.port, unknown), 403, 'path_not_allowed')

  const answer = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect(gateway.port, '127.0.0.1', () =>
      socket.write(requestBytes(gateway.port, `POST ${LOG} HTTP/1.1`, expect)),
    )
    socket.on('data', (chunk) => {
      text += chunk
      if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('{}')
      if (!text.includes('{"from":"service"}')) return
      socket.destroy()
      resolve(text)
    })
  })
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  assert.equal(recorder.received.length, 1)
})

test('what follows on a connection after a refused body is never carried out', async (t) => {
  const { gateway, recorder } = await startPair(t, undefined, { connections: 1 })
  const refused = postBytes(gateway.port, '/mcp-audit/nope', 'x'.repeat(100))
  const smuggled = getBytes(gateway.port, '/mcp-audit/events')
  const both = Buffer.concat([refused, Buffer.from(smuggled)])
  const answer = await sendRaw(gateway.port, both, { untilClosed: true })
  assertRefused(
    { ...answer, body: answer.body.slice(0, Number(answer.headers['content-length'])) },
    403,
    'path_not_allowed',
  )
  await assertNothingBefore(gateway.port, recorder, [])
})

test('an error after a whole request does not take the place of its answer', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const bytes = `${getBytes(gateway.port, '/mcp-audit/events')}GARBAGE\r\n\r\n`
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.equal(answer.status, 200)
  assert.equal(answer.body, '{"from":"service"}')
  assert.equal(recorder.received.length, 1)
})

test('pipelined requests are answered in order', async (t) => {
  const { gateway } = await startPair(t, (request, response) => {
    const body = JSON.stringify(request.url)
    const send = () => response.end(body)
    response.writeHead(200, { 'content-length': body.length })
    if (request.url === '/events/1') setTimeout(send, 50)
    else send()
  })
  const bytes = [1, 2, 3]
    .map((id) =>
      getBytes(gateway.port, `/mcp-audit/events/${id}`, id === 3 ? ['Connection: close'] : []),
    )
    .join('')
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.deepEqual(answer.body.match(/"\/events\/\d"/g), [
    '"/events/1"',
    '"/events/2"',
    '"/events/3"',
  ])
})

test('pipelined requests are carried out one after the other', async (t) => {
  let [open, most] = [0, 0]
  const { gateway, recorder } = await startPair(t, (_request, response) => {
    most = Math.max(most, ++open)
    setTimeout(() => {
      open--
      response.end('{}')
    }, 20)
  })
  const requests = ['1', '2', '3'].map((body) => postBytes(gateway.port, LOG, body))
  const last = getBytes(gateway.port, '/mcp', ['Connection: close'])
  const bytes = Buffer.concat([...requests, Buffer.from(last)])
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.ok(answer.body.includes('"services"'))
  assert.deepEqual(
    recorder.received.map((call) => call.body.toString()),
    ['1', '2', '3'],
  )
  assert.equal(most, 1)
})

test('pipelined requests of a caller that has left are not carried out', GUARD, async (t) => {
  const arrived = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== '/events/1') response.end('{}')
    else response.on('close', () => aborted.resolve())
    arrived.resolve()
  }
  const { gateway, recorder } = await startPair(t, answer, { connections: 1 })
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write([1, 2].map((id) => getBytes(gateway.port, `/mcp-audit/events/${id}`)).join(''))
  await arrived.promise
  socket.resetAndDestroy()
  await aborted.promise
  await assertNothingBefore(gateway.port, recorder, ['/events/1'])
})

/** A call that takes the gateway's only connection to a service after every other that was made before it. */
async function assertNothingBefore(port: number, recorder: Recorder, before: string[]) {
  assert.equal((await sendRaw(port, getBytes(port, '/mcp-audit/events/9'))).status, 200)
  assert.deepEqual(
    recorder.received.map((call) => call.target),
    [...before, '/events/9'],
  )
}

test('a request that does not arrive in time is 408', async (t) => {
  const gateway = await startGateway(t, {}, { requestHead: 100, request: 200, checkEvery: 50 })
  const late = await sendRaw(gateway.port, 'GET /mcp HTTP/1.1\r\nHost:', { untilClosed: true })
  assertRefused(late, 408, 'request_timeout')
  const lateBody = postBytes(gateway.port, '/api/v1/models/register', '{"a":1}').subarray(0, -2)
  const answer = await sendRaw(gateway.port, lateBody, { untilClosed: true })
  assertRefused(answer, 408, 'request_timeout')
})
