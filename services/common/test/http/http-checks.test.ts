import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer } from '@ai-governance/common/http/server'

const reached: string[] = []
const app = createServer({
  name: 'a-service',
  logLevel: 'silent',
  host: { ports: [80], allowedHosts: ['gov.example.org'] },
  missing: async () => [],
})
app.get('/read', async (request) => {
  reached.push(`GET ${request.raw.url}`)
  return { read: true }
})
app.post('/write', async (request) => {
  reached.push('POST')
  return request.body
})
before(() => app.listen({ port: 0, host: '127.0.0.1' }))
after(() => app.close())

const HOST = 'Host: gov.example.org\r\n'
const GET = `GET /read HTTP/1.1\r\n${HOST}`
const POST = `POST /write HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`
const CHUNKED = '2\r\n{}\r\n0\r\n\r\n'
const WRITE = `${POST}Content-Length: 2\r\n\r\n{}`
/** Ends a connection that is still good. */
const LAST = `GET /read?last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`

/** What comes back on a connection until it ends. */
async function exchange(bytes: string): Promise<string> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  // A reset comes where the service closes on bytes that it has not read; what it had said counts.
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  return text
}

function answersIn(text: string): (string | undefined)[][] {
  const statuses = text.match(/HTTP\/1\.1 \d{3}/g) ?? []
  const codes = text.match(/"code":"\w+"/g) ?? []
  return [statuses.map((one) => one.slice(9)), codes.map((one) => one.slice(8, -1))]
}

const ending: [what: string, bytes: string, status: string, code: string][] = [
  ['HTTP/0.9', `GET /read HTTP/0.9\r\n${HOST}\r\n`, '505', 'http_version_not_supported'],
  ['HTTP/2.0 as text', `GET /read HTTP/2.0\r\n${HOST}\r\n`, '505', 'http_version_not_supported'],
  ['a method of RTSP', `PLAY /read RTSP/1.0\r\n${HOST}\r\n`, '505', 'http_version_not_supported'],
  [
    'two codings',
    `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKED}`,
    '400',
    'malformed_request',
  ],
  [
    'two fields of codings',
    `${POST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    '400',
    'malformed_request',
  ],
  [
    'a coding in HTTP/1.0',
    `${POST.replace('1.1', '1.0')}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    '400',
    'malformed_request',
  ],
  ['Upgrade', `${GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`, '400', 'upgrade_refused'],
  ['another expectation', `${GET}Expect: 200-ok\r\n\r\n`, '417', 'expectation_failed'],
  [
    'an expectation besides',
    `${POST}Expect: 100-continue, x\r\nContent-Length: 2\r\n\r\n{}`,
    '417',
    'expectation_failed',
  ],
  ['101 fields', `${GET}${'X: y\r\n'.repeat(100)}\r\n`, '431', 'headers_too_large'],
  [
    'two types',
    `${POST}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`,
    '400',
    'duplicate_header',
  ],
  [
    'two Authorization',
    `${GET}Authorization: a\r\nAuthorization: b\r\n\r\n`,
    '400',
    'duplicate_header',
  ],
  ['two hosts', `${GET}${HOST}\r\n`, '400', 'invalid_host'],
  ['a probe with two hosts', `GET /healthz HTTP/1.1\r\n${HOST}${HOST}\r\n`, '400', 'invalid_host'],
  ['a probe without a host', 'GET /healthz HTTP/1.1\r\n\r\n', '400', 'invalid_host'],
  [
    'the absolute form',
    `GET http://elsewhere/read HTTP/1.1\r\n${HOST}\r\n`,
    '400',
    'invalid_target',
  ],
  ['the asterisk form', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, '400', 'invalid_target'],
]
for (const [what, bytes, status, code] of ending) {
  test(`a service answers ${what} with ${status} ${code}, and what follows is not carried out`, async () => {
    reached.length = 0
    const text = await exchange(bytes + WRITE)
    assert.deepEqual(answersIn(text), [[status], [code]])
    assert.match(text, /application\/problem\+json/)
    assert.match(text, /x-content-type-options: nosniff/)
    assert.deepEqual(reached, [])
  })
}

test('a body where none belongs is refused, and the connection is used again', async () => {
  reached.length = 0
  for (const head of [GET, GET.replace('GET', 'DELETE')]) {
    const text = await exchange(`${head}Content-Length: 5\r\n\r\nhello${LAST}`)
    assert.deepEqual(answersIn(text), [['400', '200'], ['body_not_allowed']])
  }
  assert.deepEqual(reached, ['GET /read?last', 'GET /read?last'])
})

test('a caller that waits for 100 Continue gets it, one of HTTP/1.0 does not', async () => {
  const head = `${POST}Expect: 100-Continue\r\nContent-Length: 2\r\n`
  const text = await exchange(`${head}Connection: close\r\n\r\n{}`)
  assert.deepEqual(answersIn(text), [['100', '200'], []])
  const old = await exchange(`${head.replace('1.1', '1.0')}\r\n{}`)
  assert.deepEqual(answersIn(old), [['200'], []])
})

test('CONNECT ends the connection behind the answer before, and is counted', async () => {
  const text = await exchange(`${GET}\r\nCONNECT a:1 HTTP/1.1\r\n${HOST}\r\n${WRITE}`)
  assert.deepEqual(answersIn(text), [['200'], []])
  assert.equal(await exchange(`CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`), '')
  assert.match(await app.metrics.registry.metrics(), /code="method_not_allowed"[^\n]* 2\n/)
})

test('what the parser refuses is answered behind the whole requests before it', async () => {
  reached.length = 0
  const text = await exchange(`${GET}\r\n${WRITE}GARBAGE\r\n\r\n${WRITE}`)
  assert.deepEqual(answersIn(text), [['200', '200', '400'], ['malformed_request']])
  assert.deepEqual(reached, ['GET /read', 'POST'])
})
