import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AnswerReader } from '../load/answer-reader.ts'
import { closedLoop, makeLoad, openLoop } from '../load/load.ts'
import { requestText } from '../load/request-text.ts'

async function serve(
  t: TestContext,
  listener: RequestListener,
  requestsPerSocket = 0,
): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  server.maxRequestsPerSocket = requestsPerSocket
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a load of callers who wait sends all calls in turn, and the bodies that it was given', async (t) => {
  const seen = new Set<string>()
  const url = await serve(t, async (request, response) => {
    const body = await Array.fromAsync(request)
    seen.add(`${request.method} ${request.url} ${Buffer.concat(body)}`)
    response.end('{}')
  })
  const calls = [
    { url: `${url}/log?x=1`, body: { text: 'ä' } },
    { url: `${url}/b`, headers: { authorization: 'Bearer t' } },
  ]
  const load = makeLoad(undefined, '')
  const { rate, p99 } = await load(calls, { connections: 4, seconds: 0.2 })
  assert.ok(rate > 0 && p99 > 0)
  assert.deepEqual([...seen].sort(), ['GET /b ', 'POST /log?x=1 {"text":"ä"}'])
})

test('a run goes from one server to the next, and each caller waits for the answer before', async (t) => {
  const order: string[] = []
  const first = await serve(t, (_request, response) => {
    order.push('first')
    response.end('1')
  })
  const second = await serve(t, (_request, response) => {
    order.push('second')
    response.end('2')
  })
  const runs = [[requestText({ url: `${first}/` }), requestText({ url: `${second}/` })]]
  await closedLoop({ runs, connections: 1, seconds: 0.2 })
  assert.ok(order.length >= 2)
  assert.ok(order.every((name, i) => name === (i % 2 ? 'second' : 'first')))
})

test('a server that closes a connection after some requests is asked by another', async (t) => {
  let asked = 0
  const listener: RequestListener = (_request, response) => {
    asked++
    response.end('{}')
  }
  const url = await serve(t, listener, 3)
  await closedLoop({ runs: [[requestText({ url })]], connections: 2, seconds: 0.2 })
  assert.ok(asked > 6)
})

test('an answer that is not 200, and a server that hangs up, end the measurement', async (t) => {
  const refusing = await serve(t, (_request, response) =>
    response.writeHead(503, { 'content-length': 0 }).end(),
  )
  const hangingUp = await serve(t, (request) => request.socket.destroy())
  const run = (url: string) =>
    closedLoop({ runs: [[requestText({ url })]], connections: 1, seconds: 0.2 })
  await assert.rejects(run(refusing), /requests failed, the first with 503/)
  await assert.rejects(run(hangingUp), /closed-loop\.ts ended/)
})

test('a load that does not wait counts every request that was due, by its answer', async (t) => {
  let n = 0
  const url = await serve(t, (_request, response) => {
    response.writeHead(n++ % 2 ? 503 : 200, { 'content-length': 1 }).end('x')
  })
  const { port, text } = requestText({ url })
  const options = { requests: [text], rate: 100, seconds: 0.2, connections: 20 }
  const { due, answers, p99 } = await openLoop({ port, ...options })
  assert.equal(due, 20)
  assert.deepEqual(answers, { 200: 10, 503: 10 })
  assert.ok(p99 > 0)
})

test('what is answered after the last request was due is answered, but no part of the goodput', async (t) => {
  // Of ten requests the first is answered at once, the others when all have come.
  const held: ServerResponse[] = []
  const answer = (response: ServerResponse) => response.writeHead(200, { 'content-length': 1 })
  let n = 0
  const url = await serve(t, (_request, response) => {
    if (n++ === 0) answer(response).end('x')
    else held.push(response)
    if (n === 10) setTimeout(() => held.map((one) => answer(one).end('x')), 500)
  })
  const { port, text } = requestText({ url })
  const options = { requests: [text], rate: 10, seconds: 1, connections: 20 }
  const { answers, goodput } = await openLoop({ port, ...options })
  assert.deepEqual(answers, { 200: 10 })
  assert.equal(goodput, 1)
})

test('an answer is read to its end however it is cut, and one without a length is refused', () => {
  const reader = new AnswerReader()
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'
  for (const character of text.slice(0, -1)) assert.equal(reader.push(character), null)
  assert.deepEqual(reader.push('c'), { status: '200', closes: true })
  const short = 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'
  assert.deepEqual(reader.push(short), { status: '204', closes: false })
  assert.throws(() => reader.push('HTTP/1.1 200 OK\r\n\r\n'), /without its length/)
})
