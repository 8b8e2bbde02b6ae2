import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from '@ai-governance/common/http/server'
import { Metrics } from '@ai-governance/common/observability/metrics'

const app = createServer({
  name: 'a-service',
  logLevel: 'silent',
  host: { ports: [80], allowedHosts: [] },
  missing: async () => [],
})
app.get('/things/:id', async () => ({ ok: true }))
let release = () => {}
app.get('/never', async () => {
  await new Promise<void>((resolve) => {
    release = resolve
  })
  return { ok: true }
})
app.get('/endless', async () => {
  const answer = new Readable({ read: () => {} })
  answer.push('the first of it')
  return answer
})
let port: number
before(async () => {
  const probe = createNetServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  port = (probe.address() as { port: number }).port
  await new Promise((resolve) => probe.close(resolve))
  await app.metrics.listen('127.0.0.1', port)
  await app.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  app.metrics.close()
  await app.close()
})

test('requests are counted by pattern, never by path, so that a caller cannot add labels', async () => {
  for (const url of ['/things/1', '/things/2', '/nothing/here', '/things/3?x=1'])
    await app.inject({ url })
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const counted = String(/^http_request_duration_seconds_count.*things.*$/m.exec(text))
  for (const label of [
    'service="a-service"',
    'method="GET"',
    'route="/things/:id"',
    'status="200"',
  ]) {
    assert.ok(counted.includes(label), counted)
  }
  assert.match(counted, / 3$/)
  assert.doesNotMatch(text, /things\/1|nothing/)
  assert.match(text, /^process_resident_memory_bytes/m)
})

test('the metrics port answers nothing but GET /metrics', async () => {
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 404)
  assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status, 404)
})

test('the service port has no metrics', async () => {
  assert.equal((await app.inject({ url: '/metrics' })).statusCode, 404)
})

test('a refusal is counted by its code, and every code is there before anything happens', async () => {
  await app.inject({ url: '/not/there' })
  const text = await app.metrics.registry.metrics()
  assert.match(text, /^governance_refusals_total\{code="not_found",service="a-service"\} [1-9]/m)
  assert.match(text, /^governance_refusals_total\{code="overloaded",service="a-service"\} 0$/m)
})

test('nothing is in flight when everything is answered', async () => {
  await Promise.all(['/things/1', '/nothing', '/healthz'].map((url) => app.inject({ url })))
  const text = await app.metrics.registry.metrics()
  assert.match(text, /^http_requests_in_flight\{service="a-service"\} 0$/m)
})

for (const [what, url, status] of [
  ['before its answer', '/never', 499],
  ['in the middle of its answer', '/endless', 200],
] as const) {
  test(`a caller that leaves ${what} is no longer in flight, and was counted`, async () => {
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${url} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await until(() => app.metrics.inFlight === 1)
    if (status === 200) await once(socket, 'data')
    socket.destroy()
    await until(() => app.metrics.inFlight === 0)
    release()
    await app.inject({ url: '/things/1' })
    const text = await app.metrics.registry.metrics()
    const counted = text
      .split('\n')
      .filter((line) => line.startsWith('http_request_duration_seconds_count'))
      .filter((line) => line.includes(`route="${url}"`))
    assert.equal(counted.length, 1)
    assert.match(String(counted), new RegExp(`status="${status}".* 1$`))
    assert.match(text, /^http_requests_in_flight\{service="a-service"\} 0$/m)
  })
}

async function until(holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks++) {
    assert.ok(looks < 2_000, 'it does not come to that')
    await sleep(5)
  }
}

test('a gauge that cannot be read is not shown, and the others are', async () => {
  const metrics = new Metrics('another')
  const named = (name: string) => ({ name, help: 'Something' })
  metrics.gauge(named('thrown'), () => {
    throw new Error('away')
  })
  metrics.gauge(named('rejected'), () => Promise.reject(new Error('away')))
  metrics.gauge(named('missing'), () => null)
  metrics.gauge(named('there'), () => 7)
  metrics.gauge({ ...named('labelled'), label: 'pool' }, () => ({ a: 1, b: 2 }))
  const text = await metrics.registry.metrics()
  assert.doesNotMatch(text, /^(thrown|rejected|missing)/m)
  assert.match(text, /^there\{service="another"\} 7$/m)
  assert.match(text, /^labelled\{pool="b",service="another"\} 2$/m)
})

test('a labelled gauge forgets what is gone', async () => {
  const metrics = new Metrics('another')
  let digest = 'old'
  metrics.gauge({ name: 'info', help: 'Which', label: 'digest' }, () => ({ [digest]: 1 }))
  assert.match(await metrics.registry.metrics(), /digest="old"/)
  digest = 'new'
  assert.doesNotMatch(await metrics.registry.metrics(), /digest="old"/)
})

test('a refusal for which a refusal elsewhere is the cause is a warning, and any other cause is an error', () => {
  const script = `import { createServer } from '@ai-governance/common/http/server'
    import { ApiError } from '@ai-governance/common/errors'
    const app = createServer({ name: 'a-service', logLevel: 'warn', host: { ports: [80], allowedHosts: [] }, missing: async () => [] })
    app.get('/shed', async () => { throw new ApiError('not_recorded', undefined, { cause: new ApiError('overloaded') }) })
    app.get('/down', async () => { throw new ApiError('database_unavailable', undefined, { cause: new Error('inside') }) })
    await app.inject({ url: '/shed' })
    await app.inject({ url: '/down' })`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  const failures = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'request failed')
  assert.deepEqual(
    failures.map(({ level, code }) => [level, code]),
    [
      ['warn', 'not_recorded'],
      ['error', 'database_unavailable'],
    ],
  )
})

test('every log line of a request names its trace', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const script = `import { createServer } from '@ai-governance/common/http/server'
    const app = createServer({ name: 'a-service', logLevel: 'info', host: { ports: [80], allowedHosts: [] }, missing: async () => [] })
    app.get('/fails', async () => { throw new Error('inside') })
    await app.inject({ url: '/fails', headers: { traceparent: '00-${traceId}-b7ad6b7169203331-01' } })
    await app.inject({ url: '/fails' })`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(lines.length, 4)
  for (const line of lines.slice(0, 2)) {
    assert.equal(line.trace_id, traceId)
    assert.equal(line.span_id, 'b7ad6b7169203331')
    assert.ok(line.request_id)
  }
  assert.match(String(lines[2]?.trace_id), /^[0-9a-f]{32}$/)
  assert.equal(lines[3]?.trace_id, lines[2]?.trace_id)
  assert.equal(lines[3]?.actor, 'anonymous')
})
