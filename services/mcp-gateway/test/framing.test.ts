import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, requestBytes, sendRaw, startPair } from './harness.ts'

const LOG = '/mcp-audit/log'
const JSON_TYPE = 'Content-Type: application/json'
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
