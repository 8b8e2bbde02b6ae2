import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import {
  assertRefused,
  getBytes,
  postBytes,
  requestBytes,
  sendRaw,
  startGateway,
  startPair,
} from './harness.ts'

const LOG = '/mcp-audit/log'
const JSON_TYPE = 'Content-Type: application/json'
const CHUNKED = 'Transfer-Encoding: chunked'

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
  const body = '3;a=b\r\n{"a\r\n4\r\n":1}\r\n0\r\nX-MCP-Identity: x\r\n\r\n'
  const bytes = requestBytes(gateway.port, `POST ${LOG} HTTP/1.1`, [JSON_TYPE, CHUNKED], body)
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

test('a request that does not arrive in time is 408', async (t) => {
  const gateway = await startGateway(t, {}, { requestHead: 100, request: 200, checkEvery: 50 })
  const late = await sendRaw(gateway.port, 'GET /mcp HTTP/1.1\r\nHost:', { untilClosed: true })
  assertRefused(late, 408, 'request_timeout')
  const lateBody = postBytes(gateway.port, '/api/v1/models/register', '{"a":1}').subarray(0, -2)
  const answer = await sendRaw(gateway.port, lateBody, { untilClosed: true })
  assertRefused(answer, 408, 'request_timeout')
})
