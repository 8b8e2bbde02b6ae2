import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import {
  assertRefused,
  getBytes,
  sendRaw,
  startBareService,
  startGateway,
  startPair,
} from './harness.ts'

describe('an answer that ends early', () => {
  const starts: [name: string, head: string][] = [
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
  ]
  for (const [name, head] of starts) {
    test(`${name} is an error for the caller, never a clean end`, async (t) => {
      const service = await startBareService(t, (socket) => {
        socket.write(head)
        setTimeout(() => socket.destroy(), 50)
      })
      const gateway = await startGateway(t, { 'mcp-audit': service.url })
      for (const path of ['/mcp-audit/events', '/mcp-audit/export']) {
        const call = httpRequest({ port: gateway.port, host: '127.0.0.1', path }).end()
        call.on('error', () => {})
        const [response] = (await once(call, 'response')) as [IncomingMessage]
        await assert.rejects(
          async () => {
            for await (const _ of response);
          },
          { code: 'ECONNRESET' },
        )
        assert.equal(response.complete, false)
      }
    })
  }

  test('is a reset in HTTP/1.0, where a close would be a clean end', async (t) => {
    const service = await startBareService(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n')
      setTimeout(() => socket.destroy(), 50)
    })
    const gateway = await startGateway(t, { 'mcp-audit': service.url })
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write(getBytes(gateway.port, '/mcp-audit/events').replace('HTTP/1.1', 'HTTP/1.0'))
    socket.resume()
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    assert.equal(error.code, 'ECONNRESET')
  })
})

describe('the size of an answer', () => {
  const limits = { answerBytes: 1_000 }

  test('an announced length over the limit is 502', async (t) => {
    const { gateway } = await startPair(
      t,
      (_request, response) => response.end('a'.repeat(1_001)),
      limits,
    )
    const bytes = getBytes(gateway.port, '/mcp-audit/events')
    assertRefused(await sendRaw(gateway.port, bytes), 502, 'upstream_invalid')
  })

  test('chunks over the limit are cut', async (t) => {
    const { gateway } = await startPair(
      t,
      (_request, response) => {
        response.write('a'.repeat(900))
        setTimeout(() => response.end('a'.repeat(200)), 50)
      },
      limits,
    )
    const bytes = getBytes(gateway.port, '/mcp-audit/events')
    const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
    assert.equal(answer.status, 200)
    assert.ok(!answer.body.endsWith('0\r\n\r\n'))
  })

  test('an export may be as long and take as long as it wants', async (t) => {
    const { gateway } = await startPair(
      t,
      (_request, response) => {
        let left = 20
        const timer = setInterval(() => {
          response.write('a'.repeat(100))
          if (--left > 0) return
          clearInterval(timer)
          response.end()
        }, 50)
      },
      { ...limits, answerHead: 200, answerTotal: 600 },
    )
    const bytes = getBytes(gateway.port, '/mcp-audit/export', ['Connection: close'])
    const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
    assert.ok(answer.body.endsWith('0\r\n\r\n'))
    assert.equal(answer.body.match(/a/g)?.length, 2_000)
  })
})
