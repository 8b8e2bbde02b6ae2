import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { getBytes, postBytes, sendRaw, startRecorder } from './harness.ts'
import { MAIN, spawnGateway, startProcess } from './process.ts'

async function exit(t: import('node:test').TestContext, env: Record<string, string>) {
  const { child, output } = spawnGateway(t, { PORT: '18999', ...env })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}

const KEYS = { AUTH_MODE: 'keys', IDENTITY_SECRET_PATH: '/x' }
const OIDC = {
  ...{ AUTH_MODE: 'oidc', IDENTITY_SECRET_PATH: '/x' },
  ...{ OIDC_ISSUER: 'https://idp.example', OIDC_AUDIENCE: 'x' },
}

describe('a configuration that must not start ends the process with 78 and names what is wrong', () => {
  const rows: [name: string, env: Record<string, string>, sentence: RegExp][] = [
    ['keys without a secret to sign by', { AUTH_MODE: 'keys' }, /needs IDENTITY_SECRET_PATH/],
    [
      'a secret that is not there',
      { IDENTITY_SECRET_PATH: '/none' },
      /IDENTITY_SECRET_PATH: .*ENOENT/,
    ],
    ['a secret that is none', { IDENTITY_SECRET_PATH: MAIN }, /IDENTITY_SECRET_PATH: .* 32 bytes/],
    ['keys without a file', KEYS, /needs API_KEYS_PATH/],
    [
      'oidc without an audience',
      { ...OIDC, OIDC_AUDIENCE: '' },
      /needs OIDC_ISSUER and OIDC_AUDIENCE/,
    ],
    ['oidc without an issuer', { ...OIDC, OIDC_ISSUER: '' }, /needs OIDC_ISSUER and OIDC_AUDIENCE/],
    [
      'an issuer without TLS',
      { ...OIDC, OIDC_ISSUER: 'http://idp.example' },
      /OIDC_ISSUER has a wrong value/,
    ],
    [
      'tokens without signature',
      { ...OIDC, OIDC_ALGORITHMS: 'none' },
      /OIDC_ALGORITHMS has a wrong value/,
    ],
    ['HMAC', { ...OIDC, OIDC_ALGORITHMS: 'RS256,HS256' }, /OIDC_ALGORITHMS has a wrong value/],
    ['a rate of nothing', { RATE_LIMIT_PER_KEY: '0' }, /RATE_LIMIT_PER_KEY has a wrong value/],
    [
      'a rate in words',
      { RATE_LIMIT_PER_ADDRESS: '5/s' },
      /RATE_LIMIT_PER_ADDRESS has a wrong value/,
    ],
    ['an unknown AUTH_MODE', { AUTH_MODE: 'open' }, /AUTH_MODE has a wrong value/],
    ['a public HOST', { HOST: '0.0.0.0' }, /GATEWAY_BIND/],
    ['a public GATEWAY_BIND', { HOST: '0.0.0.0', GATEWAY_BIND: '0.0.0.0' }, /GATEWAY_BIND/],
    [
      'a wrong directory',
      { MCP_DIRECTORY: '{"mcp-audit":"https://x"}' },
      /MCP_DIRECTORY entry "mcp-audit"/,
    ],
    ['a wrong port', { PORT: '0' }, /PORT has a wrong value/],
  ]
  for (const [name, env, sentence] of rows) {
    test(name, async (t) => {
      const { code, stderr, stdout } = await exit(t, env)
      assert.equal(code, 78)
      assert.match(stderr, sentence)
      assert.equal(stdout, '')
    })
  }
})

test('a public HOST behind a loopback GATEWAY_BIND starts', async (t) => {
  const gateway = await startProcess(
    t,
    {},
    { MCP_DIRECTORY: '', HOST: '0.0.0.0', GATEWAY_BIND: '127.0.0.1' },
  )
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, '/mcp'))
  assert.equal(answer.status, 200)
})

test('proxy variables are ignored', async (t) => {
  const recorder = await startRecorder(t)
  const proxy = await startRecorder(t)
  const gateway = await startProcess(
    t,
    { 'mcp-audit': recorder.url, 'mcp-lineage': recorder.url },
    {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      ALL_PROXY: proxy.url,
      NO_PROXY: '',
    },
  )
  await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events'))
  await sendRaw(gateway.port, postBytes(gateway.port, '/api/v1/models/register', '{}'))
  assert.deepEqual(
    recorder.received.map((call) => call.target),
    ['/events', '/register'],
  )
  assert.deepEqual(proxy.received, [])
})

test('every request is one log line, without query, body or credentials', async (t) => {
  const recorder = await startRecorder(t)
  const gateway = await startProcess(t, { 'mcp-audit': recorder.url })
  const secret = [
    'Content-Type: application/json',
    'Authorization: Bearer s3cret',
    'Idempotency-Key: s3cret',
    'X-Request-ID: line-1',
  ]
  await sendRaw(gateway.port, postBytes(gateway.port, '/mcp-audit/log', '{"s3cret":1}', secret))
  const read = getBytes(gateway.port, '/mcp-audit/events?subject=s3cret', ['X-Request-ID: line-2'])
  await sendRaw(gateway.port, read)
  await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/../s3', ['X-Request-ID: line-3']))
  await sendRaw(gateway.port, getBytes(gateway.port, '/mcp', ['X-Request-ID: line-4']))
  await sendRaw(gateway.port, 'GET / HTTP/1.1\r\nbroken\r\n\r\n')
  gateway.child.kill('SIGTERM')
  assert.equal(await gateway.stopped(), 0)

  const text = gateway.output.stdout
  assert.ok(!text.includes('s3cret'))
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const of = (id: string) => lines.filter((line) => line.request_id === id)
  for (const id of ['line-1', 'line-2', 'line-3', 'line-4']) assert.equal(of(id).length, 1, id)
  const { method, path, upstream, status, ms } = of('line-2')[0] ?? {}
  assert.deepEqual([method, path, upstream, status], ['GET', '/mcp-audit/events', 'mcp-audit', 200])
  assert.equal(typeof ms, 'number')
  assert.equal(of('line-3')[0]?.code, 'invalid_target')
  assert.equal(lines.filter((line) => line.code === 'malformed_request').length, 1)
})

test('a caller that breaks off in the middle of a body is one log line', {
  timeout: 10_000,
}, async (t) => {
  const gateway = await startProcess(t, { 'mcp-audit': 'http://127.0.0.1:9' })
  const targets = { 'gone-1': '/mcp-audit/log', 'gone-2': '/api/v1/models/register' }
  for (const [id, target] of Object.entries(targets)) {
    const headers = ['Content-Type: application/json', `X-Request-ID: ${id}`]
    const half = postBytes(gateway.port, target, '{"a":1}', headers).subarray(0, -3)
    const socket = connect(gateway.port, '127.0.0.1')
    await new Promise((resolve) => socket.write(half, resolve))
    socket.resetAndDestroy()
  }
  const { output } = gateway
  const lines = () => output.stdout.split('\n').filter((line) => line.includes('"gone-'))
  while (lines().length < 2 && !t.signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(
    new Set(lines().map((line) => JSON.parse(line).request_id)),
    new Set(Object.keys(targets)),
  )
})

test('a stop lets answers in flight finish, refuses what is new, and ends with 0', async (t) => {
  const started = Promise.withResolvers<import('node:http').ServerResponse>()
  const recorder = await startRecorder(t, (_request, response) => {
    response.write('[')
    started.resolve(response)
  })
  const gateway = await startProcess(t, { 'mcp-audit': recorder.url })
  const agent = new Agent({ keepAlive: true })
  const call = httpRequest({
    port: gateway.port,
    host: '127.0.0.1',
    path: '/mcp-audit/export',
    agent,
  }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  gateway.child.kill('SIGTERM')
  const refused = async () => {
    const socket = connect(gateway.port, '127.0.0.1')
    const outcome = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(
      () => [true],
    )
    socket.destroy()
    return outcome.length > 0
  }
  while (!(await refused())) await new Promise((resolve) => setTimeout(resolve, 20))
  const service = await started.promise
  service.end(']')
  let body = ''
  for await (const chunk of response) body += chunk
  assert.equal(body, '[]')
  assert.equal(await gateway.stopped(), 0)
})
