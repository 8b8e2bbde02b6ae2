import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, test } from 'node:test'
import { freePort } from '@ai-governance/infra/local/ports'
import {
  assertRefused,
  getBytes,
  postBytes,
  sendRaw,
  startBareService,
  startGateway,
  startPair,
} from './harness.ts'

const SECRET = 'password=hunter2 at /srv/app.ts:1'
/** Limits that let no test wait for seconds; below 1,000 ms undici measures to the millisecond. */
const QUICK = { connect: 200, answerHead: 200, answerIdle: 200, answerTotal: 600 }

function read(port: number, target = '/mcp-audit/events') {
  return sendRaw(port, getBytes(port, target), { untilClosed: false })
}

describe('what a service must not answer', () => {
  for (const status of [300, 301, 302, 303, 304, 307, 308]) {
    test(`${status} is 502 without Location`, async (t) => {
      const { gateway, recorder } = await startPair(t, (_request, response) => {
        response.writeHead(status, { location: 'http://evil.example/', 'x-secret': SECRET })
        response.end()
      })
      const answer = await read(gateway.port)
      assertRefused(answer, 502, 'upstream_invalid')
      assert.equal(answer.headers.location, undefined)
      assert.equal(recorder.received.length, 1)
    })
  }

  for (const type of ['text/html', 'application/json', 'text/plain', undefined]) {
    test(`a 500 as ${type ?? 'nothing'} is 502, and its text stays inside`, async (t) => {
      const { gateway } = await startPair(t, (_request, response) => {
        response.writeHead(500, SECRET, { ...(type && { 'content-type': type }) })
        response.end(JSON.stringify({ message: SECRET }))
      })
      const answer = await read(gateway.port)
      assertRefused(answer, 502, 'upstream_invalid')
      assert.ok(!JSON.stringify(answer).includes('hunter2'))
    })
  }

  test('problem details of a service are passed on, whatever the status', async (t) => {
    for (const status of [400, 404, 409, 503]) {
      const body = JSON.stringify({ status, code: 'x' })
      const { gateway } = await startPair(t, (_request, response) => {
        const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' }
        response.writeHead(status, { ...headers, 'content-length': body.length })
        response.end(body)
      })
      const answer = await read(gateway.port)
      assert.equal(answer.status, status)
      assert.equal(answer.body, body)
      assert.equal(answer.headers['retry-after'], '1')
    }
  })

  const broken: [name: string, bytes: string][] = [
    ['no HTTP', 'hello\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a protocol switch',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['a status out of range', 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n'],
    ['huge headers', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`],
    [
      'a header that cannot be sent on',
      'HTTP/1.1 200 OK\r\nContent-Type: a\xc3\xbc\u0001b\r\nContent-Length: 0\r\n\r\n',
    ],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['nothing', ''],
  ]
  for (const [name, bytes] of broken) {
    test(`${name} is 502`, async (t) => {
      const service = await startBareService(t, (socket) => socket.end(bytes, 'latin1'))
      const gateway = await startGateway(t, { 'mcp-audit': service.url }, QUICK)
      assertRefused(await read(gateway.port), 502, 'upstream_invalid')
    })
  }

  test('interim answers are not passed on', async (t) => {
    const service = await startBareService(t, (socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
      ),
    )
    const gateway = await startGateway(t, { 'mcp-audit': service.url })
    const answer = await read(gateway.port)
    assert.equal(answer.status, 200)
    assert.equal(answer.body, '{}')
  })
})

describe('a service that is down', () => {
  test('is 503 with Retry-After', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`
    const gateway = await startGateway(t, { 'mcp-audit': url })
    for (const bytes of [
      getBytes(gateway.port, '/mcp-audit/events'),
      postBytes(gateway.port, '/mcp-audit/log', '{}'),
    ]) {
      const answer = await sendRaw(gateway.port, bytes)
      assertRefused(answer, 503, 'upstream_unavailable')
      assert.equal(answer.headers['retry-after'], '1')
    }
  })

  test('is 503 if its name cannot be resolved', async (t) => {
    const gateway = await startGateway(t, { 'mcp-audit': 'http://no-such-name.invalid:8000' })
    assertRefused(await read(gateway.port), 503, 'upstream_unavailable')
  })

  test('does not keep the others from being answered', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { recorder } = await startPair(t)
    const gateway = await startGateway(t, { 'mcp-audit': url, 'mcp-policy': recorder.url })
    assertRefused(await read(gateway.port), 503, 'upstream_unavailable')
    assert.equal((await read(gateway.port, '/mcp-policy/policies')).status, 200)
  })
})

describe('a service that is slow', () => {
  test('is 504 if the head of its answer does not come in time', async (t) => {
    const { gateway } = await startPair(t, () => {}, QUICK)
    assertRefused(await read(gateway.port), 504, 'upstream_timeout')
    const write = postBytes(gateway.port, '/mcp-audit/log', '{}')
    assertRefused(await sendRaw(gateway.port, write), 504, 'upstream_timeout')
  })

  test('is 504 too for those who wait for a connection, and none of them is sent late', async (t) => {
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/events/9') response.end('{}')
    }
    const limits = { ...QUICK, connections: 1 }
    const { gateway, recorder } = await startPair(t, answer, limits)
    const answers = await Promise.all([1, 2, 3].map(() => read(gateway.port)))
    for (const answer of answers) assertRefused(answer, 504, 'upstream_timeout')
    // A call that is sent late would keep the one connection for ever, since nobody waits for its answer any more.
    assert.equal((await read(gateway.port, '/mcp-audit/events/9')).status, 200)
    assert.equal(recorder.received.at(-1)?.target, '/events/9')
  })

  test('has its answer cut, visibly, if it falls silent or never ends', async (t) => {
    const silent = await startPair(t, (_request, response) => response.write('{'), QUICK)
    const endless = await startPair(
      t,
      (_request, response) => {
        const timer = setInterval(() => response.write(' '), 50)
        response.on('close', () => clearInterval(timer))
      },
      QUICK,
    )
    for (const { gateway } of [silent, endless]) {
      const answer = await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events'), {
        untilClosed: true,
      })
      assert.equal(answer.status, 200)
      assert.ok(!answer.body.endsWith('0\r\n\r\n'), 'a clean end')
    }
  })
})

describe('a kept connection that the service closes', () => {
  /** Answers the first request of each connection and closes it when the second arrives. */
  const answerOnce = (state: { requests: string[] }) => (socket: import('node:net').Socket) => {
    state.requests.push('first')
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
    socket.on('data', (chunk) => {
      state.requests.push(chunk.toString('latin1').slice(0, 4).trim())
      socket.destroy()
    })
  }

  test('is tried once more by a GET of which nothing came back', async (t) => {
    const state = { requests: [] as string[] }
    const service = await startBareService(t, answerOnce(state))
    const gateway = await startGateway(t, { 'mcp-audit': service.url })
    assert.equal((await read(gateway.port)).status, 200)
    assert.equal((await read(gateway.port)).status, 200)
    assert.deepEqual(state.requests, ['first', 'GET', 'first'])
  })

  test('is never tried again by a POST', async (t) => {
    const state = { requests: [] as string[] }
    const service = await startBareService(t, answerOnce(state))
    const gateway = await startGateway(t, { 'mcp-audit': service.url })
    assert.equal((await read(gateway.port)).status, 200)
    const write = postBytes(gateway.port, '/mcp-audit/log', '{}')
    const { detail } = assertRefused(await sendRaw(gateway.port, write), 503, 'outcome_unknown')
    assert.match(detail, /Idempotency-Key/)
    assert.deepEqual(state.requests, ['first', 'POST'])
  })

  test('is 502 to a question that travels as POST: nothing can have changed', async (t) => {
    const service = await startBareService(t, (socket) => socket.destroy())
    const gateway = await startGateway(t, { 'mcp-policy': service.url })
    for (const path of ['/mcp-policy/validate', '/mcp-policy/api/v1/policies/validate']) {
      const question = postBytes(gateway.port, path, '{}')
      assertRefused(await sendRaw(gateway.port, question), 502, 'upstream_invalid')
    }
  })

  test('is given up by a GET after the second loss', async (t) => {
    let connections = 0
    const service = await startBareService(t, (socket) => {
      connections++
      socket.destroy()
    })
    const gateway = await startGateway(t, { 'mcp-audit': service.url })
    assertRefused(await read(gateway.port), 502, 'upstream_invalid')
    assert.equal(connections, 2)
  })
})

const GUARD = { timeout: 10_000 }
test('a caller that goes away takes the call to the service with it', GUARD, async (t) => {
  const gone = Promise.withResolvers<void>()
  const { gateway } = await startPair(
    t,
    (_request, response) => {
      response.on('close', () => gone.resolve())
      response.write('[')
    },
    { answerIdle: 60_000 },
  )
  const call = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    path: '/mcp-audit/export',
  }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  response.destroy()
  await gone.promise
})
