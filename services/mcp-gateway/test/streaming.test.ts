import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { getBytes, startGateway, startRecorder } from './harness.ts'
import { startProcess } from './process.ts'

const MiB = 1_048_576

/** Answers with `size` bytes in chunks, as fast as they are taken, and counts those it got rid of. */
function export200(size: number, taken: { bytes: number }) {
  const piece = Buffer.alloc(65_536, 'x')
  return (_request: unknown, response: import('node:http').ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const push = () => {
      while (taken.bytes < size) {
        taken.bytes += piece.length
        if (response.write(piece)) continue
        response.once('drain', push)
        return
      }
      response.end()
    }
    push()
  }
}

test('an export is held back while its reader does not read', async (t) => {
  const taken = { bytes: 0 }
  const recorder = await startRecorder(t, export200(200 * MiB, taken))
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url })
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write(getBytes(gateway.port, '/mcp-audit/export'))
  await once(socket, 'readable')
  // What is under way when everything stands still is in socket buffers, not in the gateway.
  let before = -1
  while (before !== taken.bytes) {
    before = taken.bytes
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  socket.destroy()
  assert.ok(taken.bytes < 32 * MiB, `${taken.bytes} bytes were taken from the service`)
})

test('400 MiB of export pass to a slow reader with flat memory', async (t) => {
  const taken = { bytes: 0 }
  const recorder = await startRecorder(t, export200(400 * MiB, taken))
  const gateway = await startProcess(t, { 'mcp-audit': recorder.url })
  const { resident } = gateway
  const before = resident()
  const call = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    path: '/mcp-audit/export',
  }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  let [read, pieces, peak] = [0, 0, 0]
  for await (const piece of response) {
    read += (piece as Buffer).length
    if (++pieces % 64 > 0) continue
    peak = Math.max(peak, resident())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.equal(read, 400 * MiB)
  // About 70 MiB of it are garbage between two collections, as with 3,000 MiB of export.
  assert.ok(peak - before < 128 * MiB, `the process grew by ${(peak - before) / MiB} MiB`)
})

test('a compressed export passes as it is', async (t) => {
  const plain = Buffer.from('{"a":1}\n'.repeat(100_000))
  const packed = gzipSync(plain)
  const recorder = await startRecorder(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    for (let i = 0; i < packed.length; i += 500) response.write(packed.subarray(i, i + 500))
    response.end()
  })
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url })
  const headers = { 'accept-encoding': 'gzip' }
  const call = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    path: '/mcp-audit/export',
    headers,
  })
  const [response] = (await once(call.end(), 'response')) as [IncomingMessage]
  assert.equal(response.headers['content-encoding'], 'gzip')
  assert.equal(response.headers.vary, 'Accept-Encoding')
  const received: Buffer[] = []
  for await (const piece of response) received.push(piece as Buffer)
  assert.ok(Buffer.concat(received).equals(packed))
})

test('a reader that has stopped is disconnected', { timeout: 10_000 }, async (t) => {
  const recorder = await startRecorder(t, export200(200 * MiB, { bytes: 0 }))
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url }, { socketIdle: 300 })
  const closed = Promise.withResolvers<void>()
  gateway.app.server.on('connection', (socket) => socket.on('close', () => closed.resolve()))
  const socket = connect(gateway.port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  socket.write(getBytes(gateway.port, '/mcp-audit/export'))
  await closed.promise
})
