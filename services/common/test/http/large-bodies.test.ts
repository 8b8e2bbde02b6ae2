import assert from 'node:assert/strict'
import { type ClientRequest, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { limitLargeBodies } from '../../src/http/large-bodies.ts'
import { createServer } from '../../src/http/server.ts'

const LARGE = `"${'a'.repeat(1_048_577)}"`

/** A server that lets two large bodies in and answers each call when told to. */
async function start(t: import('node:test').TestContext) {
  const app = createServer({
    ...{ name: 'mcp-policy', logLevel: 'silent', missing: async () => [] },
    host: { ports: [], allowedHosts: ['127.0.0.1'] },
  })
  limitLargeBodies(app, 2)
  const held: (() => void)[] = []
  let arrivals = 0
  let onArrival = () => {}
  app.post('/hold', { bodyLimit: 2_000_000 }, async () => {
    arrivals++
    onArrival()
    await new Promise<void>((resolve) => held.push(resolve))
    return { ok: true }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return {
    open: (headers: Record<string, string | number> = {}): ClientRequest =>
      request({
        ...{ port, host: '127.0.0.1', path: '/hold', method: 'POST', agent: false },
        headers: { 'content-type': 'application/json', ...headers },
      }),
    arrived: (count: number) =>
      new Promise<void>((resolve) => {
        onArrival = () => arrivals >= count && resolve()
        onArrival()
      }),
    release: () => {
      for (const resolve of held.splice(0)) resolve()
    },
  }
}

function answered(call: ClientRequest): Promise<string> {
  return new Promise((resolve) => {
    call.on('error', () => {})
    call.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(`${response.statusCode} ${JSON.parse(text).code ?? 'ok'}`))
    })
  })
}

test('one large body too many is 503, small ones pass, and an answer makes room', async (t) => {
  const { open, arrived, release } = await start(t)
  const send = (body: string) => {
    const call = open({ 'content-length': body.length })
    call.end(body)
    return answered(call)
  }
  const first = [send(LARGE), send(LARGE)]
  await arrived(2)
  assert.equal(await send(LARGE), '503 overloaded')
  const chunked = open()
  chunked.write('{')
  assert.equal(await answered(chunked), '503 overloaded')
  chunked.destroy()
  const small = send('{}')
  await arrived(3)
  release()
  assert.deepEqual(await Promise.all([...first, small]), ['200 ok', '200 ok', '200 ok'])
  const again = send(LARGE)
  await arrived(4)
  release()
  assert.equal(await again, '200 ok')
})

test('a caller that leaves in the middle of a large body gives its place back', async (t) => {
  const { open, arrived, release } = await start(t)
  for (let n = 0; n < 6; n++) {
    const call = open({ 'content-length': LARGE.length })
    const left = new Promise((resolve) => call.on('close', resolve))
    call.on('error', () => {})
    call.write(LARGE.slice(0, 1_000), () => call.destroy())
    await left
  }
  let came = ''
  const last = async () => {
    // Until the server has seen that they left.
    while (came !== '200 ok') {
      const call = open({ 'content-length': LARGE.length })
      call.end(LARGE)
      came = await answered(call)
    }
  }
  const done = last()
  await arrived(1)
  release()
  await done
})
