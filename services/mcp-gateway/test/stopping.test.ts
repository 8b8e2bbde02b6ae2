import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { getBytes, startPair } from './harness.ts'

/** For tests that would otherwise wait for ever when they fail. */
const GUARD = { timeout: 10_000 }

async function startCall(t: import('node:test').TestContext, head: boolean) {
  const asked = Promise.withResolvers<ServerResponse>()
  const { gateway } = await startPair(t, (_request, response) => {
    if (head) response.write('[')
    asked.resolve(response)
  })
  const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true })
  const received = { text: '' }
  socket.on('data', (chunk) => {
    received.text += chunk
  })
  socket.write(getBytes(gateway.port, '/mcp-audit/events'))
  const service = await asked.promise
  while (head && !received.text.includes('[')) await once(socket, 'data')
  return { gateway, socket, service, received }
}

test(
  'an answer that began before the stop ends the connection when it is complete',
  GUARD,
  async (t) => {
    const { gateway, socket, service, received } = await startCall(t, true)
    const ended = once(socket, 'end')
    const closed = gateway.app.close()
    service.end(']')
    await ended
    socket.destroy()
    await closed
    assert.ok(received.text.endsWith('0\r\n\r\n'))
  },
)

test('an answer that begins after the stop says that the connection ends', GUARD, async (t) => {
  const { gateway, socket, service, received } = await startCall(t, false)
  const ended = once(socket, 'end')
  const closed = gateway.app.close()
  while (gateway.app.server.listening) await new Promise((resolve) => setImmediate(resolve))
  service.end('[]')
  await ended
  socket.destroy()
  await closed
  assert.match(received.text, /\r\nconnection: close\r\n/i)
})

test(
  'what comes after the stop, on a connection with an answer in flight, is not carried out',
  GUARD,
  async (t) => {
    const { gateway, socket, service, received } = await startCall(t, true)
    const ended = once(socket, 'end')
    const closed = gateway.app.close()
    while (gateway.app.server.listening) await new Promise((resolve) => setImmediate(resolve))
    socket.write(getBytes(gateway.port, '/mcp'))
    service.end(']')
    await ended
    socket.destroy()
    await closed
    assert.ok(!received.text.includes('"services"'))
  },
)
