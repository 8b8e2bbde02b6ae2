import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getBytes, postBytes, sendRaw, startGateway, startPair, startRecorder } from './harness.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`

test('a trace goes on to the service as it came', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const headers = [`Traceparent: ${TRACEPARENT}`, 'TraceState: rojo=1', 'tracestate: congo=2']
  await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events', headers))
  const [received] = recorder.received
  assert.equal(received?.headers.traceparent, TRACEPARENT)
  assert.equal(received?.headers.tracestate, 'rojo=1,congo=2')
})

for (const [what, headers] of Object.entries({
  'no traceparent': [],
  'a wrong one': [`traceparent: 00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
  'two of them': [`traceparent: ${TRACEPARENT}`, `traceparent: ${TRACEPARENT}`],
})) {
  test(`a request with ${what} gets a trace of its own that nobody records, without a tracestate`, async (t) => {
    const { gateway, recorder } = await startPair(t)
    const all = [...headers, 'tracestate: rojo=1']
    await sendRaw(gateway.port, getBytes(gateway.port, '/mcp-audit/events', all))
    const { traceparent, tracestate } = recorder.received[0]?.headers ?? {}
    assert.match(String(traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    assert.doesNotMatch(String(traceparent), new RegExp(TRACE))
    assert.equal(tracestate, undefined)
  })
}

test('calls that the gateway makes for its own routes are of the same trace', async (t) => {
  const recorder = await startRecorder(t)
  const gateway = await startGateway(t, { 'mcp-lineage': recorder.url })
  const headers = ['Content-Type: application/json', `traceparent: ${TRACEPARENT}`]
  await sendRaw(
    gateway.port,
    postBytes(gateway.port, '/api/v1/models/register', '{"a":1}', headers),
  )
  assert.equal(recorder.received[0]?.headers.traceparent, TRACEPARENT)
})

test('requests, faults of services and refusals are counted by what they are, never by what a caller chose', async (t) => {
  const recorder = await startRecorder(t, (_request, response) => response.writeHead(500).end('x'))
  const gateway = await startGateway(t, { 'mcp-audit': recorder.url })
  for (const target of ['/mcp-audit/events', '/mcp-audit/nothing', '/%2e%2e/x']) {
    await sendRaw(gateway.port, getBytes(gateway.port, target))
  }
  const text = await gateway.app.metrics.registry.metrics()
  for (const line of [
    'governance_refusals_total{code="upstream_invalid",service="mcp-gateway"} 1',
    'governance_refusals_total{code="path_not_allowed",service="mcp-gateway"} 1',
    'governance_refusals_total{code="invalid_target",service="mcp-gateway"} 1',
    'governance_upstream_errors_total{upstream="mcp-audit",code="upstream_invalid",service="mcp-gateway"} 1',
    'governance_upstream_answer_seconds_count{service="mcp-gateway",upstream="mcp-audit"} 1',
    'http_requests_in_flight{service="mcp-gateway"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), line)
  }
  assert.doesNotMatch(text, /nothing|%2e/)
})
