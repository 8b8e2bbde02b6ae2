import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  assertRefused,
  getBytes,
  postBytes,
  requestBytes,
  sendRaw,
  startGateway,
  startPair,
  startRecorder,
} from './harness.ts'

const EVENTS = 'GET /mcp-audit/events HTTP/1.1'

function withHosts(port: number, hosts: string[], line = EVENTS): string {
  const fields = hosts.map((host) => `Host: ${host.replace('PORT', String(port))}\r\n`)
  return `${line}\r\n${fields.join('')}\r\n`
}

describe('the Host check', () => {
  const rows: [hosts: string[], status: number, code: string][] = [
    [[], 400, 'invalid_host'],
    [['127.0.0.1:PORT', '127.0.0.1:PORT'], 400, 'invalid_host'],
    [['127.0.0.1:PORT', 'evil.example'], 400, 'invalid_host'],
    [[''], 400, 'invalid_host'],
    [['127.0.0.1:PORT/x'], 400, 'invalid_host'],
    [['user@127.0.0.1:PORT'], 400, 'invalid_host'],
    [['127.0.0.1:PORT, evil.example'], 400, 'invalid_host'],
    [['127.0.0.1:'], 400, 'invalid_host'],
    [['evil.example'], 421, 'misdirected_request'],
    [['evil.example:PORT'], 421, 'misdirected_request'],
    [['127.0.0.1.evil.example:PORT'], 421, 'misdirected_request'],
    [['127.0.0.1:1'], 421, 'misdirected_request'],
    [['mcp-audit:PORT'], 421, 'misdirected_request'],
    [['169.254.169.254:PORT'], 421, 'misdirected_request'],
  ]
  for (const [hosts, status, code] of rows) {
    test(`Host ${JSON.stringify(hosts)} is refused with ${status}`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      assertRefused(await sendRaw(gateway.port, withHosts(gateway.port, hosts)), status, code)
      assert.deepEqual(recorder.received, [])
    })
  }

  for (const host of [
    '127.0.0.1:PORT',
    'localhost:PORT',
    'LOCALHOST:PORT',
    '[::1]:PORT',
    'mcp-gateway:PORT',
  ]) {
    test(`Host ${host} is answered`, async (t) => {
      const { gateway } = await startPair(t)
      assert.equal((await sendRaw(gateway.port, withHosts(gateway.port, [host]))).status, 200)
    })
  }

  test('a name that the operator allows is answered on any port', async (t) => {
    const recorder = await startRecorder(t)
    const gateway = await startGateway(t, { 'mcp-audit': recorder.url }, {}, ['gov.example.org'])
    for (const host of ['gov.example.org', 'gov.example.org:8443']) {
      assert.equal((await sendRaw(gateway.port, withHosts(gateway.port, [host]))).status, 200)
    }
  })

  test('probes need no host', async (t) => {
    const { gateway } = await startPair(t)
    const bytes = withHosts(gateway.port, ['10.0.0.7:1'], 'GET /healthz HTTP/1.1')
    assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
  })
})

describe('requests of web pages', () => {
  const foreign = [
    'Origin: https://evil.example',
    'Origin: null',
    'Origin: http://127.0.0.1:1',
    'Origin: http://localhost.evil.example',
    'Origin: file://127.0.0.1',
    'Origin: ',
    'Sec-Fetch-Site: cross-site',
  ]
  for (const header of foreign) {
    test(`${header} is refused with 403`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const read = getBytes(gateway.port, '/mcp-audit/events', [header])
      assertRefused(await sendRaw(gateway.port, read), 403, 'cross_site_request')
      const write = postBytes(gateway.port, '/mcp-audit/log', '{}', [
        'Content-Type: application/json',
        header,
      ])
      assertRefused(await sendRaw(gateway.port, write), 403, 'cross_site_request')
      const own = getBytes(gateway.port, '/mcp', [header])
      assertRefused(await sendRaw(gateway.port, own), 403, 'cross_site_request')
      assert.deepEqual(recorder.received, [])
    })
  }

  test('a page of the gateway itself is answered', async (t) => {
    const { gateway } = await startPair(t)
    const headers = [`Origin: http://localhost:${gateway.port}`, 'Sec-Fetch-Site: same-origin']
    const bytes = getBytes(gateway.port, '/mcp-audit/events', headers)
    assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
  })
})

describe('headers', () => {
  const hostile = [
    'X-MCP-Identity: e30.AAAA',
    'X_MCP_Identity: e30.AAAA',
    'x-mcp-actor: key:admin',
    'X-Forwarded-For: 10.0.0.1',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Prefix: /x',
    'Forwarded: for=10.0.0.1;host=evil.example',
    'X-Real-IP: 10.0.0.1',
    'X-Original-URL: /metrics',
    'X-Rewrite-URL: /metrics',
    'X-HTTP-Method-Override: DELETE',
    'Cookie: session=1',
    'Proxy-Authorization: Basic eDp5',
    'Proxy-Connection: keep-alive',
    'Authorization: Bearer mcp_x',
    'Connection: keep-alive, X-Secret, Content-Type, X-Request-ID',
    'X-Secret: 1',
    'Keep-Alive: timeout=1',
    'TE: trailers',
    'Trailer: X-MCP-Identity',
    'Content_Length: 1',
    'Transfer_Encoding: chunked',
    'If-None-Match: "x"',
    'Range: bytes=0-1',
    'Accept-Encoding: gzip',
  ]
  const trace = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']

  test('nothing that a caller writes in a header reaches a service, except what is listed', async (t) => {
    const { gateway, recorder } = await startPair(t)
    const headers = [...hostile, 'X-Request-ID: given.1', trace.join(': ')]
    await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events', headers))
    const json = ['Content-Type: application/json ; charset="utf-8"', ...headers]
    await sendRaw(gateway.port, postBytes(gateway.port, '/mcp-audit/log', '{}', json))
    const host = new URL(recorder.url).host
    const id = ['x-request-id', 'given.1']
    const common = ['host', host, 'connection', 'keep-alive', ...id, ...trace]
    assert.deepEqual(recorder.received[0]?.rawHeaders, common)
    const type = ['content-type', 'application/json', 'content-length', '2']
    assert.deepEqual(recorder.received[1]?.rawHeaders, [...common, ...type])
  })

  const choices: [sent: string[], accept: string | undefined, encoding: string | undefined][] = [
    [['Accept: text/csv;q=0.5, */*'], 'text/csv;q=0.5, */*', undefined],
    [['Accept: a/b', 'accept: c/d'], 'a/b, c/d', undefined],
    [['Accept-Encoding: gzip;q=1.0, identity'], undefined, 'gzip;q=1.0, identity'],
    [['Accept-Encoding: br', 'Accept-Encoding: gzip'], undefined, 'br, gzip'],
    [['Accept: ', 'Accept-Encoding: '], undefined, undefined],
    [['Accept: text/\xe9', 'Accept-Encoding: \xff'], undefined, undefined],
    [[`Accept: ${'a'.repeat(1_001)}`], undefined, undefined],
  ]
  for (const [sent, accept, encoding] of choices) {
    test(`${JSON.stringify(sent).slice(0, 60)} says what answer is wanted, the encoding only of an export`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      for (const path of ['/export', '/events', '/checkpoint']) {
        const bytes = Buffer.from(getBytes(gateway.port, `/mcp-audit${path}`, sent), 'latin1')
        assert.equal((await sendRaw(gateway.port, bytes)).status, 200)
        const { headers } = recorder.received.pop() ?? {}
        assert.equal(headers?.accept, accept)
        assert.equal(headers?.['accept-encoding'], path === '/export' ? encoding : undefined)
      }
    })
  }

  const ids: [given: string[], taken: boolean][] = [
    [['abc-123_X.y'], true],
    [['a'.repeat(64)], true],
    [['a'.repeat(65)], false],
    [['a b'], false],
    [['a"b'], false],
    [[''], false],
    [['one', 'two'], false],
    [[], false],
  ]
  for (const [given, taken] of ids) {
    test(`request id ${JSON.stringify(given)} is ${taken ? 'taken over' : 'replaced'}`, async (t) => {
      const { gateway, recorder } = await startPair(t)
      const headers = given.map((id) => `X-Request-ID: ${id}`)
      const answer = await sendRaw(
        gateway.port,
        getBytes(gateway.port, '/mcp-audit/events', headers),
      )
      const echoed = answer.headers['x-request-id']
      assert.equal(recorder.received[0]?.headers['x-request-id'], echoed)
      if (taken) assert.equal(echoed, given[0])
      else assert.match(echoed ?? '', /^[0-9a-f-]{36}$/)
    })
  }

  test('an answer shows the caller only what is listed, under the security headers of the gateway', async (t) => {
    const { gateway } = await startPair(t, (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-disposition': 'attachment; filename="x.csv"',
        'cache-control': 'no-store',
        etag: '"1"',
        link: '</events?before=5&limit=2>; rel="next", </events>; rel="first", <//evil.example/>; rel="x"',
        'retry-after': '3',
        server: 'secret/1.0',
        'x-powered-by': 'secret',
        'set-cookie': ['a=1', 'b=2'],
        location: '/elsewhere',
        'x-request-id': 'of-the-service',
        'x-internal': 'secret',
        'x-frame-options': 'ALLOWALL',
        'access-control-allow-origin': '*',
        connection: 'close, X-Internal',
      })
      response.end('{}')
    })
    const own = await sendRaw(gateway.port, getBytes(gateway.port, '/healthz'))
    const { headers } = await sendRaw(
      gateway.port,
      getBytes(gateway.port, '/mcp-audit/events', ['Connection: close', 'X-Request-ID: mine']),
      { untilClosed: true },
    )
    assert.equal(headers['content-disposition'], 'attachment; filename="x.csv"')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers.etag, '"1"')
    assert.equal(headers['retry-after'], '3')
    assert.equal(
      headers.link,
      '</mcp-audit/events?before=5&limit=2>; rel="next", </mcp-audit/events>; rel="first", <//evil.example/>; rel="x"',
    )
    assert.equal(headers['x-request-id'], 'mine')
    for (const gone of [
      'server',
      'x-powered-by',
      'set-cookie',
      'location',
      'x-internal',
      'access-control-allow-origin',
    ]) {
      assert.equal(headers[gone], undefined, gone)
    }
    const changing = [
      'date',
      'x-request-id',
      'content-length',
      'connection',
      'keep-alive',
      'content-type',
    ]
    for (const [name, value] of Object.entries(own.headers)) {
      if (!changing.includes(name)) assert.equal(headers[name], value, name)
    }
  })
})

test('HTTP/1.0 is answered, and the connection closed', async (t) => {
  const { gateway } = await startPair(t)
  const bytes = requestBytes(gateway.port, 'GET /mcp-audit/events HTTP/1.0')
  const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
  assert.equal(answer.status, 200)
  assert.equal(answer.body, '{"from":"service"}')
})
