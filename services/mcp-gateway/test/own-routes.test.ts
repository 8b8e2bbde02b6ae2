import assert from 'node:assert/strict'
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
  startRecorder,
} from './harness.ts'

const REGISTER = '/api/v1/models/register'
const problem = (status: number, more: object = {}) =>
  JSON.stringify({
    type: 'about:blank',
    title: 'A title',
    status,
    code: 'artifacts_conflict',
    detail: 'A detail',
    request_id: 'of-the-service',
    ...more,
  })

test('GET /mcp names the services and where this caller reaches them', async (t) => {
  const { gateway } = await startPair(t)
  const host = `localhost:${gateway.port}`
  const answer = await sendRaw(gateway.port, `GET /mcp HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(answer.body), {
    services: ['mcp-audit', 'mcp-lineage', 'mcp-policy'],
    directory: {
      'mcp-audit': `http://${host}/mcp-audit`,
      'mcp-lineage': `http://${host}/mcp-lineage`,
      'mcp-policy': `http://${host}/mcp-policy`,
    },
  })
})

test('GET /healthz is 200 whatever the services do', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const gateway = await startGateway(t, { 'mcp-audit': url })
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, '/healthz'))
  assert.equal(answer.status, 200)
  assert.equal(answer.body, '{"ok":true}')
})

test('GET /readyz names the services that are not ready', async (t) => {
  const ready = await startRecorder(t)
  const unready = await startRecorder(t, (_request, response) => response.writeHead(503).end())
  const down = `http://127.0.0.1:${await freePort()}`
  const gateway = await startGateway(t, {
    'mcp-audit': ready.url,
    'mcp-lineage': unready.url,
    'mcp-policy': down,
  })
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, '/readyz'))
  const { errors } = assertRefused(answer, 503, 'not_ready')
  assert.deepEqual(
    errors?.map(({ path }) => path),
    ['mcp-lineage', 'mcp-policy'],
  )
})

test('many readiness probes at once ask each service once', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const probes = Array.from({ length: 20 }, () =>
    sendRaw(gateway.port, getBytes(gateway.port, '/readyz')),
  )
  for (const answer of await Promise.all(probes)) assert.equal(answer.status, 200)
  assert.deepEqual(
    recorder.received.map((call) => call.target),
    ['/readyz', '/readyz', '/readyz'],
  )
})

describe('POST /api/v1/models/register', () => {
  const body = '{"model_id":"m","version":"1","created_by":"c","metadata":{"a":1.0,"b":1e20}}'
  const record = { id: 7, model_id: 'm', metadata: { a: 1 }, audit: { id: 3, entry_hash: 'ab' } }

  test('sends the very bytes to mcp-lineage and answers with its record and its audit entry', async (t) => {
    const recorder = await startRecorder(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(record))
    })
    const gateway = await startGateway(t, { 'mcp-lineage': recorder.url })
    const headers = ['Content-Type: application/json', 'X-Request-ID: reg-1', 'X-MCP-Identity: x']
    const answer = await sendRaw(gateway.port, postBytes(gateway.port, REGISTER, body, headers))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-request-id'], 'reg-1')
    assert.deepEqual(JSON.parse(answer.body), {
      status: 'ok',
      model_id: 'm',
      lineage: record,
      audit: record.audit,
    })
    const [call] = recorder.received
    assert.deepEqual([call?.method, call?.target], ['POST', '/register'])
    assert.equal(call?.body.toString(), body)
    assert.equal(call?.headers['x-request-id'], 'reg-1')
    assert.equal(call?.headers['x-mcp-identity'], undefined)
  })

  for (const status of [400, 409, 503]) {
    test(`passes on a ${status} of mcp-lineage under its own request id`, async (t) => {
      const errors = [{ path: 'artifacts', message: 'differs' }]
      const { gateway } = await startPair(t, (_request, response) => {
        const headers = { 'content-type': 'application/problem+json', 'retry-after': '2' }
        response.writeHead(status, headers).end(problem(status, { errors }))
      })
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, REGISTER, body))
      const refusal = assertRefused(answer, status, 'artifacts_conflict')
      assert.equal(refusal.detail, 'A detail')
      assert.deepEqual(refusal.errors, errors)
      assert.equal(answer.headers['retry-after'], '2')
    })
  }

  const unusable: [name: string, status: number, text: string][] = [
    ['a redirect', 302, problem(302)],
    ['an error page', 500, '<h1>hunter2</h1>'],
    ['an error in another form', 500, '{"message":"hunter2"}'],
    ['a record without its audit entry', 200, '{"model_id":"m"}'],
    ['no JSON', 200, 'ok'],
    ['a refusal of the gateway, which is no matter of the caller,', 401, problem(401)],
  ]
  for (const [name, status, text] of unusable) {
    test(`answers ${name} with 502`, async (t) => {
      const { gateway, recorder } = await startPair(t, (_request, response) => {
        response.writeHead(status, { location: 'http://evil.example/' }).end(text)
      })
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, REGISTER, body))
      assertRefused(answer, 502, 'upstream_invalid')
      assert.ok(!answer.body.includes('hunter2'))
      assert.equal(recorder.received.length, 1)
    })
  }

  test('is 503 if mcp-lineage is down or not in the directory', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`
    for (const services of [{ 'mcp-lineage': url }, { 'mcp-audit': url }]) {
      const gateway = await startGateway(t, services as Record<string, string>)
      const answer = await sendRaw(gateway.port, postBytes(gateway.port, REGISTER, body))
      assertRefused(answer, 503, 'upstream_unavailable')
    }
  })

  test('is 504 if mcp-lineage is slow, and 503 if it hangs up; it is never sent twice', async (t) => {
    const slow = await startRecorder(t, () => {})
    const patient = await startGateway(t, { 'mcp-lineage': slow.url }, { answerHead: 200 })
    const late = await sendRaw(patient.port, postBytes(patient.port, REGISTER, body))
    assertRefused(late, 504, 'upstream_timeout')
    assert.equal(slow.received.length, 1)

    const service = await startBareService(t, (socket) => socket.destroy())
    const gateway = await startGateway(t, { 'mcp-lineage': service.url })
    const answer = await sendRaw(gateway.port, postBytes(gateway.port, REGISTER, body))
    assertRefused(answer, 503, 'outcome_unknown')
    assert.equal(service.connections, 1)
  })
})
