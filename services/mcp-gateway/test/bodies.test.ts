import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { assertRefused, postBytes, requestBytes, sendRaw, startPair } from './harness.ts'

const LOG = '/mcp-audit/log'
const REGISTER = '/api/v1/models/register'
const JSON_TYPE = 'Content-Type: application/json'

const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
const values = (count: number) => `[${Array.from({ length: count - 1 }, () => '0').join(',')}]`

describe('what is not strict JSON', () => {
  const rows: [name: string, body: string | Buffer][] = [
    ['an empty body', ''],
    ['white space', ' \n'],
    ['no JSON', '{a:1}'],
    ['a trailing comma', '{"a":1,}'],
    ['two values', '{} {}'],
    ['NaN', '{"a":NaN}'],
    ['a comment', '{"a":1}//'],
    ['invalid UTF-8', Buffer.from('{"a":"\xff"}', 'latin1')],
    ['overlong UTF-8', Buffer.from('{"a":"\xc0\xae"}', 'latin1')],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice in a nested object', '{"a":[{"b":1,"b":1}]}'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a lone high surrogate', '{"a":"\\ud800"}'],
    ['a lone low surrogate', '{"a":"\\udc00"}'],
    ['a lone surrogate in a name', '{"\\ud800":1}'],
    ['U+0000 in a value', '{"a":"\\u0000"}'],
    ['U+0000 in a name', '{"\\u0000":1}'],
    ['a number that overflows', '{"a":1e999}'],
    ['a negative number that overflows', '{"a":-1e999}'],
    ['2^53', '{"a":9007199254740992}'],
    ['-2^53', '{"a":-9007199254740992}'],
    ['a long integer', '{"a":123456789012345678901234567890}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['__proto__ escaped', '{"\\u005f_proto__":1}'],
    ['__proto__ deep inside', '{"details":[{"__proto__":1}]}'],
    ['constructor holding prototype', '{"constructor":{"prototype":{"a":1}}}'],
    ['depth 65', nested(65)],
    ['10,001 values', values(10_001)],
  ]
  for (const [name, body] of rows) {
    test(`${name} is 400 and reaches no service`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      for (const target of [LOG, REGISTER]) {
        // A register body may hold more values.
        if (name === '10,001 values' && target !== LOG) continue
        const answer = await sendRaw(gateway.port, postBytes(gateway.port, target, body))
        assertRefused(answer, 400, 'invalid_json')
      }
      assert.deepEqual(recorder.received, [])
    })
  }

  test('a POST without any body is 400', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const target of [LOG, REGISTER]) {
      const bytes = requestBytes(gateway.port, `POST ${target} HTTP/1.1`, [JSON_TYPE])
      assertRefused(await sendRaw(gateway.port, bytes), 400, 'invalid_json')
    }
    assert.deepEqual(recorder.received, [])
  })
})

describe('what is strict JSON', () => {
  const rows: [name: string, body: string][] = [
    ['numbers in any notation', '{"a":1.0,"b":-0,"c":1e20,"d":0.1e-7,"e":9007199254740991}'],
    ['white space and order of names', ' { "b" : 1 ,\r\n\t"a":2 } '],
    ['escapes and pairs', '{"\\u0062":"\\ud83d\\ude00\\/ü"}'],
    ['depth 64', nested(64)],
    ['10,000 values', values(10_000)],
  ]
  for (const [name, body] of rows) {
    test(`${name} arrives byte for byte`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, LOG, body))
      assert.equal(answer.status, 200)
      assert.equal(recorder.received[0]?.body.toString(), body)
    })
  }
})

describe('the content type', () => {
  const wrong = [
    [],
    ['Content-Type: text/plain'],
    ['Content-Type: application/jsonp'],
    ['Content-Type: application/json; charset=utf-16'],
    ['Content-Type: application/json; charset=utf-8; boundary=x'],
    ['Content-Type: application/json, text/plain'],
    ['Content-Type: application/x-ndjson'],
    ['Content-Type: application/x-www-form-urlencoded'],
    ['Content-Type: multipart/form-data; boundary=x'],
    [JSON_TYPE, 'Content-Encoding: gzip'],
    [JSON_TYPE, 'Content-Encoding: identity'],
  ]
  for (const headers of wrong) {
    test(`${headers.join(' with ') || 'none'} is 415`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      for (const target of [LOG, REGISTER]) {
        const answer = await sendRaw(gateway.port, postBytes(gateway.port, target, '{}', headers))
        assertRefused(answer, 415, 'unsupported_media_type')
      }
      assert.deepEqual(recorder.received, [])
    })
  }

  for (const type of ['application/json', 'Application/JSON', 'application/json;charset=UTF-8']) {
    test(`${type} is taken`, async (t) => {
      const { gateway } = await startPair(t)
      const bytes = postBytes(gateway.port, LOG, '{}', [`Content-Type: ${type}`])
      assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
    })
  }
})

describe('the size of a body', () => {
  const MiB = 1_048_576
  const text = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`
  const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`

  test('a body of exactly the limit is taken, one byte more is 413', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const fits = await sendRaw(gateway.port, postBytes(gateway.port, LOG, text(MiB)))
    assert.equal(fits.status, 200)
    assert.equal(recorder.received[0]?.body.length, MiB)
    const large = await sendRaw(gateway.port, postBytes(gateway.port, LOG, text(MiB + 1)))
    assertRefused(large, 413, 'body_too_large')
    assert.equal(recorder.received.length, 1)
  })

  test('routes that take a bill of materials take 8 MiB and 200,000 values', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const target of ['/mcp-lineage/register', '/mcp-policy/validate']) {
      const fits = postBytes(gateway.port, target, text(8 * MiB))
      assert.equal((await sendRaw(gateway.port, fits)).status, 200)
      const many = postBytes(gateway.port, target, values(200_000))
      assert.equal((await sendRaw(gateway.port, many)).status, 200)
      const large = postBytes(gateway.port, target, text(8 * MiB + 1))
      assertRefused(await sendRaw(gateway.port, large), 413, 'body_too_large')
      const tooMany = postBytes(gateway.port, target, values(200_001))
      assertRefused(await sendRaw(gateway.port, tooMany), 400, 'invalid_json')
    }
    assert.equal(recorder.received.length, 4)
  })

  test('an announced length over the limit is 413 before a byte of the body', async (t) => {
    const { gateway, recorder } = await startPair(t)
    for (const [target, limit] of [
      [LOG, MiB],
      [REGISTER, 8 * MiB],
    ] as const) {
      const headers = [JSON_TYPE, `Content-Length: ${limit + 1}`]
      const bytes = requestBytes(gateway.port, `POST ${target} HTTP/1.1`, headers)
      assertRefused(await sendRaw(gateway.port, bytes), 413, 'body_too_large')
    }
    assert.deepEqual(recorder.received, [])
  })

  test('a chunked body is 413 as soon as it is over the limit, though it never ends', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const headers = [JSON_TYPE, 'Transfer-Encoding: chunked']
    for (const [target, limit] of [
      [LOG, MiB],
      [REGISTER, 8 * MiB],
    ] as const) {
      const body = chunk('a'.repeat(limit / 2)).repeat(2) + chunk('a')
      const bytes = requestBytes(gateway.port, `POST ${target} HTTP/1.1`, headers, body)
      assertRefused(await sendRaw(gateway.port, bytes), 413, 'body_too_large')
    }
    assert.deepEqual(recorder.received, [])
  })

  test('a caller that reads only after it has sent everything still gets the 413', async (t) => {
    const { gateway } = await startPair(t)
    const socket = connect(gateway.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    await new Promise((resolve) =>
      socket.write(postBytes(gateway.port, LOG, text(8 * MiB)), resolve),
    )
    let answer = ''
    for await (const chunk of socket) answer += chunk
    assert.match(answer, /^HTTP\/1\.1 413 /)
  })

  test('a caller that leaves in the middle of a body causes no call', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const half = postBytes(gateway.port, LOG, '{"a":1}').subarray(0, -3)
    await new Promise<void>((resolve) => {
      const socket = connect(gateway.port, '127.0.0.1', () => socket.end(half))
      socket.resume().on('close', () => resolve())
    })
    assert.equal((await sendRaw(gateway.port, postBytes(gateway.port, LOG, '{}'))).status, 200)
    assert.deepEqual(
      recorder.received.map((call) => call.body.toString()),
      ['{}'],
    )
  })
})

describe('the order of answers', () => {
  const rows: [name: string, line: string, headers: string[], status: number][] = [
    [
      'a bad version comes before an unknown host',
      'POST /mcp-audit/log HTTP/2.0',
      ['Host: evil.example'],
      505,
    ],
    [
      'a bad version before a header that came twice',
      'POST /mcp-audit/log HTTP/2.0',
      [JSON_TYPE, JSON_TYPE],
      505,
    ],
    [
      'a header that came twice before an unknown host',
      'POST /mcp-audit/log HTTP/1.1',
      ['Host: evil.example', JSON_TYPE, JSON_TYPE],
      400,
    ],
    [
      'an unknown host before a long target',
      `POST /${'a'.repeat(5_000)} HTTP/1.1`,
      ['Host: evil.example'],
      421,
    ],
    ['a long target before a bad one', `POST /../${'a'.repeat(5_000)} HTTP/1.1`, [], 414],
    ['a bad target before a foreign page', 'POST /.. HTTP/1.1', ['Origin: null'], 400],
    ['an unknown service before its path', 'POST /x/metrics HTTP/1.1', [], 404],
    ['an unlisted path before the method', 'PUT /mcp-audit/metrics HTTP/1.1', [], 403],
    [
      'the method before the content type',
      'PUT /mcp-audit/log HTTP/1.1',
      ['Content-Type: text/plain'],
      405,
    ],
    [
      'the content type before the size',
      'POST /mcp-audit/log HTTP/1.1',
      ['Content-Type: text/plain'],
      415,
    ],
    ['the size before the body', 'POST /mcp-audit/log HTTP/1.1', [JSON_TYPE], 413],
  ]
  for (const [name, line, headers, status] of rows) {
    test(name, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const host = headers.some((header) => header.startsWith('Host:'))
        ? []
        : [`Host: 127.0.0.1:${gateway.port}`]
      const head = [line, ...host, ...headers, 'Content-Length: 9999999']
      const answer = await sendRaw(gateway.port, `${head.join('\r\n')}\r\n\r\n{,`)
      assert.equal(answer.status, status)
      assert.deepEqual(recorder.received, [])
    })
  }
})
