import assert from 'node:assert/strict'
import { createServer as createNetServer } from 'node:net'
import { after, before, test } from 'node:test'
import { createServer } from '@ai-governance/common/server'

const app = createServer({
  name: 'a-service',
  logLevel: 'silent',
  host: { ports: [80], allowedHosts: [] },
  missing: async () => [],
})
app.get('/things/:id', async () => ({ ok: true }))
let port: number
before(async () => {
  const probe = createNetServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  port = (probe.address() as { port: number }).port
  await new Promise((resolve) => probe.close(resolve))
  await app.metrics.listen('127.0.0.1', port)
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
