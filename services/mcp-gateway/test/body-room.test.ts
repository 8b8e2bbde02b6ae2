import assert from 'node:assert/strict'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import {
  assertRefused,
  postBytes,
  requestBytes,
  sendRaw,
  startPair,
  startRecorder,
} from './harness.ts'
import { startProcess } from './process.ts'

const MiB = 1_048_576
const BATCH = '/mcp-audit/log/batch'
const REGISTER = '/api/v1/models/register'
const LIMITS = { bodyRoom: 300_000 }
/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 20_000 }
const JSON_TYPE = 'Content-Type: application/json'
const text = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`

/** A service that answers once it is told to. */
function holding() {
  const held: ServerResponse[] = []
  const arrived = Promise.withResolvers<void>()
  return {
    arrived: arrived.promise,
    answer: (_request: IncomingMessage, response: ServerResponse) => {
      held.push(response)
      arrived.resolve()
    },
    release: () => {
      for (const response of held.splice(0))
        response.writeHead(200, { 'content-length': 2 }).end('{}')
    },
  }
}

test(
  'bodies for which there is no room are 503, small ones pass, and an answer makes room',
  GUARD,
  async (t) => {
    const service = holding()
    const { gateway, recorder } = await startPair(t, service.answer, LIMITS)
    const first = sendRaw(gateway.port, postBytes(gateway.port, BATCH, text(200_000)))
    await service.arrived
    for (const target of [BATCH, '/mcp-audit/log', REGISTER]) {
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, target, text(200_000)))
      assertRefused(answer, 503, 'overloaded')
      assert.equal(answer.headers['retry-after'], '1')
    }
    const chunked = [JSON_TYPE, 'Transfer-Encoding: chunked']
    const body = `30d40\r\n${text(200_000)}\r\n0\r\n\r\n`
    const unannounced = requestBytes(gateway.port, `POST ${BATCH} HTTP/1.1`, chunked, body)
    assertRefused(await sendRaw(gateway.port, unannounced), 503, 'overloaded')
    assert.equal(recorder.received.length, 1)

    const small = [1, 2, 3, 4, 5, 6].map(() =>
      sendRaw(gateway.port, postBytes(gateway.port, '/mcp-audit/log', text(65_536))),
    )
    while (recorder.received.length < 7 && !t.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 10))
    service.release()
    for (const answer of await Promise.all([first, ...small])) assert.equal(answer.status, 200)

    const again = sendRaw(gateway.port, postBytes(gateway.port, BATCH, text(300_000)))
    while (recorder.received.length < 8 && !t.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 10))
    service.release()
    assert.equal((await again).status, 200)
  },
)

test('a body that is refused, or whose caller leaves, gives its room back', GUARD, async (t) => {
  const { gateway } = await startPair(t, undefined, LIMITS)
  for (const target of [BATCH, REGISTER]) {
    for (let i = 0; i < 5; i++) {
      const wrong = postBytes(gateway.port, target, text(200_000).replace('"', '{'))
      assertRefused(await sendRaw(gateway.port, wrong), 400, 'invalid_json')
    }
  }
  for (const target of [BATCH, REGISTER]) {
    const half = postBytes(gateway.port, target, text(250_000)).subarray(0, 200_000)
    for (let i = 0; i < 5; i++) {
      const socket = connect(gateway.port, '127.0.0.1')
      await new Promise((resolve) => socket.write(half, resolve))
      socket.destroy()
    }
  }
  const whole = postBytes(gateway.port, BATCH, text(300_000))
  // Until the gateway has seen that they left.
  while ((await sendRaw(gateway.port, whole)).status !== 200 && !t.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})

test('a body that is announced takes no room before it comes', async (t) => {
  const { gateway } = await startPair(t, undefined, LIMITS)
  const announced = requestBytes(gateway.port, `POST ${BATCH} HTTP/1.1`, [
    JSON_TYPE,
    'Content-Length: 300000',
  ])
  const sockets = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = connect(gateway.port, '127.0.0.1')
      await new Promise((resolve) => socket.write(announced, resolve))
      return socket
    }),
  )
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const answer = await sendRaw(gateway.port, postBytes(gateway.port, BATCH, text(300_000)))
  assert.equal(answer.status, 200)
})

test('20 of the largest batches at once are answered within bounded memory', {
  timeout: 60_000,
}, async (t) => {
  const recorder = await startRecorder(t, (_request, response) => {
    setTimeout(() => response.end('{}'), 500)
  })
  const gateway = await startProcess(t, { 'mcp-audit': recorder.url })
  const line = `{"details":"${'x'.repeat(1_700)}"}\n`
  const body = Buffer.from(line.repeat(Math.floor((16 * MiB) / line.length)))
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, gateway.resident())
  }, 20)
  t.after(() => clearInterval(timer))
  const statuses = await Promise.all(Array.from({ length: 20 }, () => send(gateway.port, body)))
  assert.ok(statuses.includes(200))
  assert.deepEqual([...new Set(statuses.filter((status) => status !== 200))], [503])
  // What docker-compose.yml gives it.
  assert.ok(peak < 512 * MiB, `the process grew to ${peak / MiB} MiB`)
})

/** The status of the answer; undefined where the connection ended before it. */
function send(port: number, body: Buffer): Promise<number | undefined> {
  const call = httpRequest({
    port,
    host: '127.0.0.1',
    path: BATCH,
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/x-ndjson', 'content-length': body.length },
  })
  call.end(body)
  return new Promise((resolve) => {
    call.once('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    // A refused caller may still be sending when the connection ends.
    call.on('error', () => resolve(undefined))
  })
}
