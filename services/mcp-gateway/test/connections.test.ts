import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { LIMITS } from '../src/limits.ts'
import { getBytes, postBytes, sendRaw, startPair } from './harness.ts'

/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 20_000 }
const EVENTS = '/mcp-audit/events'

async function opened(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

test('connections that say nothing keep nobody out: the oldest leaves', GUARD, async (t) => {
  const { gateway } = await startPair(t, undefined, { callers: 3 })
  const asking = await opened(t, gateway.port)
  asking.write(getBytes(gateway.port, EVENTS))
  await once(asking, 'data')
  const first = await opened(t, gateway.port)
  const left = once(first.resume(), 'close')
  const second = await opened(t, gateway.port)
  // A beginning of a head is nothing either.
  second.write('GET / HTTP/1.1\r\nHost: ')
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, EVENTS))
  assert.equal(answer.status, 200)
  await left
  assert.deepEqual([asking.readableEnded, second.readableEnded], [false, false])
})

test('one more than all that are being answered is closed', GUARD, async (t) => {
  const held: ServerResponse[] = []
  const arrived = Promise.withResolvers<void>()
  const answer = (_request: unknown, response: ServerResponse) => {
    if (held.push(response) === 2) arrived.resolve()
  }
  const { gateway } = await startPair(t, answer, { callers: 2 })
  const busy = [1, 2].map(() => sendRaw(gateway.port, getBytes(gateway.port, EVENTS)))
  await arrived.promise
  const more = connect(gateway.port, '127.0.0.1').on('error', () => {})
  await once(more.resume(), 'close')
  for (const response of held) response.writeHead(200, { 'content-length': 2 }).end('{}')
  for (const one of await Promise.all(busy)) assert.equal(one.status, 200)
})

test(
  'a body that stops is answered with 408 before its silent connection is closed',
  GUARD,
  async (t) => {
    // In the proportions of the real limits.
    const shorter = (ms: number) => ms / 20
    const { request, requestHead, checkEvery, socketIdle } = LIMITS
    const { gateway } = await startPair(t, undefined, {
      request: shorter(request),
      requestHead: shorter(requestHead),
      checkEvery: shorter(checkEvery),
      socketIdle: shorter(socketIdle),
    })
    const half = postBytes(gateway.port, '/mcp-audit/log', '{"a":1}').subarray(0, -3)
    const answer = await sendRaw(gateway.port, half, { untilClosed: true })
    assert.equal(answer.status, 408)
    assert.ok(socketIdle > request + checkEvery)
  },
)
