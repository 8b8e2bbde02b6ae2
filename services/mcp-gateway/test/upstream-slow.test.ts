import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getBytes, postBytes, sendRaw, startPair } from './harness.ts'

/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 20_000 }
const PAGE = Buffer.alloc(16 * 1_048_576, 'x')

/** Opens connections that send `bytes` and read nothing. */
function deaf(t: import('node:test').TestContext, port: number, count: number, bytes: string) {
  const sockets = Array.from({ length: count }, (): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.pause()
    socket.on('error', () => {})
    return socket
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
}

test('callers that do not read large answers keep no place at the service', GUARD, async (t) => {
  const { gateway, recorder } = await startPair(
    t,
    (request, response) => {
      response.end(request.url === '/events' ? PAGE : '{}')
    },
    { inFlight: 2, waiting: 0, patience: 0 },
  )
  const { port } = gateway
  const read = () => sendRaw(port, getBytes(port, '/mcp-audit/events/1'))
  for (let n = 1; n <= 6; n++) {
    deaf(t, port, 1, getBytes(port, '/mcp-audit/events'))
    while (recorder.received.filter(({ target }) => target === '/events').length < n) await sleep(5)
    // Until its answer has come so far that nobody takes more of it.
    while ((await read()).status !== 200) await sleep(5)
  }
  // All six are under way still, three times the places.
  assert.equal((await read()).status, 200)
})

test('callers that never finish a request keep no place at the service', GUARD, async (t) => {
  const { gateway, recorder } = await startPair(t, undefined, { inFlight: 1, waiting: 0 })
  const { port } = gateway
  deaf(t, port, 100, 'GET /mcp-audit/events HTTP/1.1\r\nHost: ')
  deaf(t, port, 100, postBytes(port, '/mcp-audit/log', '{"a":1}').toString().slice(0, -1))
  assert.equal((await sendRaw(port, getBytes(port, '/mcp-audit/events/1'))).status, 200)
  assert.deepEqual(
    recorder.received.map(({ target }) => target),
    ['/events/1'],
  )
})

test(
  'a service that hangs has its places taken, and the others answer as ever',
  GUARD,
  async (t) => {
    const { gateway } = await startPair(
      t,
      (request, response) => {
        if (request.url !== '/events') response.end('{}')
      },
      { inFlight: 4, waiting: 4, patience: 100, answerHead: 1_000 },
    )
    const { port } = gateway
    const hung = Array.from({ length: 12 }, () =>
      sendRaw(port, getBytes(port, '/mcp-audit/events')),
    )
    for (let n = 0; n < 20; n++) {
      assert.equal((await sendRaw(port, getBytes(port, '/mcp-policy/policies'))).status, 200)
    }
    const statuses = (await Promise.all(hung)).map(({ status }) => status).sort()
    assert.deepEqual(statuses, [...Array(8).fill(503), ...Array(4).fill(504)])
  },
)

for (const [what, bytes] of [
  ['the middle', 16 * 1_048_576],
  ['the last bytes', 3_200_000],
] as const) {
  test(`a caller that stops reading before ${what} of an answer is cut off`, GUARD, async (t) => {
    const page = Buffer.alloc(bytes, 'x')
    const { gateway } = await startPair(t, (_request, response) => response.end(page), {
      readerIdle: 300,
    })
    const closed = Promise.withResolvers<void>()
    gateway.app.server.on('connection', (socket) => socket.on('close', () => closed.resolve()))
    deaf(t, gateway.port, 1, getBytes(gateway.port, '/mcp-audit/events').repeat(6))
    await closed.promise
  })
}

test('a caller that reads slowly gets all of its answer', GUARD, async (t) => {
  const { gateway } = await startPair(t, (_request, response) => response.end(PAGE), {
    readerIdle: 1_000,
  })
  const answer = await fetch(`${gateway.url}/mcp-audit/events`)
  let read = 0
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    read += piece.length
    await sleep(1)
  }
  assert.equal(read, PAGE.length)
})
