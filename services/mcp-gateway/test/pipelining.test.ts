import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { assertRefused, getBytes, postBytes, type Recorder, sendRaw, startPair } from './harness.ts'

const LOG = '/mcp-audit/log'
/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 10_000 }

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

test('an error after whole requests is answered behind them', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const whole = getBytes(gateway.port, '/mcp-audit/events')
  const bytes = `${whole}${whole}GARBAGE\r\n\r\n${whole}`
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body.match(/"from":"service"|"code":"\w+"/g), [
    '"from":"service"',
    '"from":"service"',
    '"code":"malformed_request"',
  ])
  assert.equal(recorder.received.length, 2)
})

test('a request that breaks off behind whole ones is answered once, and not carried out', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const whole = getBytes(gateway.port, '/mcp-audit/events')
  const broken =
    `POST ${LOG} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nContent-Type: application/json\r\n` +
    'Transfer-Encoding: chunked\r\n\r\nzz\r\n'
  const answer = await sendRaw(gateway.port, whole + broken + whole, { untilClosed: true })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body.match(/HTTP\/1.1 \d+|"code":"\w+"/g), [
    'HTTP/1.1 400',
    '"code":"malformed_request"',
  ])
  assert.equal(recorder.received.length, 1)
})

test('CONNECT ends the connection, and not before the answers that are due', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const whole = getBytes(gateway.port, '/mcp-audit/events')
  const bytes = `${whole}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n${whole}`
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.deepEqual([answer.status, answer.body], [200, '{"from":"service"}'])
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
