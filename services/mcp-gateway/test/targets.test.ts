import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, getBytes, requestBytes, sendRaw, startPair } from './harness.ts'

type Row = [target: string, status: number, code: string]

const long = (length: number) => `/mcp-audit/${'a'.repeat(length - 11)}`

const classes: Record<string, Row[]> = {
  traversal: [
    ['/mcp-audit/../mcp-policy/policies', 400, 'invalid_target'],
    ['/mcp-audit/events/..', 400, 'invalid_target'],
    ['/../etc/passwd', 400, 'invalid_target'],
    ['/mcp-audit/./events', 400, 'invalid_target'],
    ['/mcp-audit/events/.', 400, 'invalid_target'],
    ['/mcp-audit/events...', 400, 'invalid_target'],
    ['/mcp-audit/%2e%2e/metrics', 400, 'invalid_target'],
    ['/mcp-audit/.%2e/metrics', 400, 'invalid_target'],
    ['/mcp-audit/%2E./metrics', 400, 'invalid_target'],
    ['/mcp-audit/%252e%252e/metrics', 400, 'invalid_target'],
    ['/mcp-audit/%25252e/metrics', 400, 'invalid_target'],
    ['/mcp-audit/..%252fmetrics', 400, 'invalid_target'],
    ['/mcp-audit/events\\..\\metrics', 400, 'invalid_target'],
    ['/mcp-audit\\events', 400, 'invalid_target'],
    ['/mcp-audit/events%5c..%5cmetrics', 400, 'invalid_target'],
    ['/mcp-audit/%5C', 400, 'invalid_target'],
  ],
  'empty segments and encoded slashes': [
    ['//mcp-audit/events', 400, 'invalid_target'],
    ['/mcp-audit//events', 400, 'invalid_target'],
    ['/mcp-audit/events//', 400, 'invalid_target'],
    ['/mcp-audit%2fevents', 400, 'invalid_target'],
    ['/mcp-audit/events%2F1', 400, 'invalid_target'],
    ['/%2f%2fevil.example/events', 400, 'invalid_target'],
    ['//evil.example/mcp-audit/events', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/a%2fb', 400, 'invalid_target'],
  ],
  'path parameters, controls, escapes and overlong UTF-8': [
    ['/mcp-audit/events;a=b', 400, 'invalid_target'],
    ['/mcp-audit;x/events', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/a%3Bb', 400, 'invalid_target'],
    ['/mcp-audit/events%00', 400, 'invalid_target'],
    ['/mcp-audit/events%0d%0aX:y', 400, 'invalid_target'],
    ['/mcp-audit/events%09', 400, 'invalid_target'],
    ['/mcp-audit/events%7f', 400, 'invalid_target'],
    ['/mcp-audit/events%1F', 400, 'invalid_target'],
    ['/mcp-audit/events\t', 400, 'malformed_request'],
    ['/mcp-audit/events\r', 400, 'malformed_request'],
    ['/mcp-audit/events\n', 400, 'malformed_request'],
    ['/mcp-audit/events\0', 400, 'malformed_request'],
    ['/mcp-audit/events\x7f', 400, 'malformed_request'],
    ['/mcp-audit/events\xe9', 400, 'malformed_request'],
    ['/mcp-audit/%zz', 400, 'invalid_target'],
    ['/mcp-audit/events%', 400, 'invalid_target'],
    ['/mcp-audit/events%2', 400, 'invalid_target'],
    ['/mcp-audit/%u002e', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/%c0%ae%c0%ae', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/%ff', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/%ed%a0%80', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/a"b', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/<a>', 400, 'invalid_target'],
    ['/mcp-lineage/lineage/a|b', 400, 'invalid_target'],
  ],
  'scheme, host or port in the path': [
    ['/http://evil.example/', 400, 'invalid_target'],
    ['/HTTP://evil.example/', 400, 'invalid_target'],
    ['/http:/evil.example', 400, 'invalid_target'],
    ['/mcp-audit/http:', 403, 'path_not_allowed'],
    ['/mcp-audit/@evil.example', 403, 'path_not_allowed'],
    ['/mcp-audit/:80', 403, 'path_not_allowed'],
    ['/mcp-audit@evil.example/events', 400, 'invalid_target'],
    ['/mcp-audit:80/events', 400, 'invalid_target'],
    ['/@evil.example/events', 400, 'invalid_target'],
  ],
  'other forms of a target': [
    ['http://127.0.0.1/mcp-audit/events', 400, 'invalid_target'],
    ['https://evil.example/mcp-audit/events', 400, 'invalid_target'],
    ['*', 400, 'invalid_target'],
    ['evil.example:80', 400, 'malformed_request'],
    ['mcp-audit/events', 400, 'malformed_request'],
    ['/mcp-audit/events#x', 400, 'invalid_target'],
    ['/mcp-audit/events?limit=5#x', 400, 'invalid_target'],
    ['#/mcp-audit/events', 400, 'malformed_request'],
    ['?limit=5', 400, 'malformed_request'],
  ],
  'unknown, oddly cased or inherited service names': [
    ['/mcp-unknown/events', 404, 'unknown_service'],
    ['/localhost/events', 404, 'unknown_service'],
    ['/db/events', 404, 'unknown_service'],
    ['/constructor/events', 404, 'unknown_service'],
    ['/mcp-gateway/healthz', 404, 'unknown_service'],
    ['/api/v1/gate', 404, 'unknown_service'],
    ['/MCP-AUDIT/events', 400, 'invalid_target'],
    ['/Mcp-audit/events', 400, 'invalid_target'],
    ['/__proto__/events', 400, 'invalid_target'],
    ['/toString/events', 400, 'invalid_target'],
    ['/mcp_audit/events', 400, 'invalid_target'],
    ['/mcp%2daudit/events', 400, 'invalid_target'],
    ['/-mcp/events', 400, 'invalid_target'],
    [`/${'a'.repeat(64)}/events`, 400, 'invalid_target'],
    ['/mcp-audit', 404, 'not_found'],
    ['/', 404, 'not_found'],
    ['/docs', 404, 'not_found'],
    ['/openapi.json', 404, 'not_found'],
    ['/__proto__', 404, 'not_found'],
  ],
  'a trailing slash': [
    ['/mcp-audit/log/', 400, 'invalid_target'],
    ['/mcp-audit/', 400, 'invalid_target'],
    ['/mcp/', 400, 'invalid_target'],
  ],
  'paths that are not listed': [
    ['/mcp-audit/metrics', 403, 'path_not_allowed'],
    ['/mcp-audit/Events', 403, 'path_not_allowed'],
    ['/mcp-audit/%65vents', 403, 'path_not_allowed'],
    ['/mcp-audit/events/abc', 403, 'path_not_allowed'],
    ['/mcp-audit/events/-1', 403, 'path_not_allowed'],
    ['/mcp-audit/events/1.0', 403, 'path_not_allowed'],
    ['/mcp-audit/events/01', 403, 'path_not_allowed'],
    ['/mcp-audit/events/01/erase', 403, 'path_not_allowed'],
    ['/mcp-audit/events/erase', 403, 'path_not_allowed'],
    ['/mcp-audit/events/1/erase/2', 403, 'path_not_allowed'],
    ['/mcp-audit/holds/x/release', 403, 'path_not_allowed'],
    ['/mcp-audit/checkpoint/keys', 403, 'path_not_allowed'],
    ['/mcp-audit/proof', 403, 'path_not_allowed'],
    ['/mcp-audit/idempotency/lookup', 403, 'path_not_allowed'],
    ['/mcp-audit/__proto__', 403, 'path_not_allowed'],
    ['/mcp-lineage/lineage/a/b', 403, 'path_not_allowed'],
    ['/mcp-policy/events', 403, 'path_not_allowed'],
  ],
  queries: [
    ['/mcp-audit/events?limit=1&limit=2', 400, 'invalid_target'],
    ['/mcp-audit/events?limit=1&&offset=2', 400, 'invalid_target'],
    ['/mcp-audit/events?limit', 400, 'invalid_target'],
    ['/mcp-audit/events?', 400, 'invalid_target'],
    ['/mcp-audit/events?=5', 400, 'invalid_target'],
    ['/mcp-audit/events?subject=%00', 400, 'invalid_target'],
    ['/mcp-audit/events?subject=%0a', 400, 'invalid_target'],
    ['/mcp-audit/events?subject=%zz', 400, 'invalid_target'],
    ['/mcp-audit/events?subject=%c0%ae', 400, 'invalid_target'],
    ['/mcp-audit/events?subject=\xe9', 400, 'malformed_request'],
    ['/mcp-audit/events?nope=1', 400, 'invalid_request'],
    ['/mcp-audit/events?__proto__=1', 400, 'invalid_request'],
    ['/mcp-audit/events?constructor=1', 400, 'invalid_request'],
    ['/mcp-audit/events?%6cimit=1', 400, 'invalid_request'],
    ['/mcp-audit/events?LIMIT=1', 400, 'invalid_request'],
    ['/mcp-audit/events?limit[]=1', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=-1', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=+1', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=1.0', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=1e3', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=0x10', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=%31', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=007', 400, 'invalid_request'],
    ['/mcp-audit/events?limit=99999999999999999999', 400, 'invalid_request'],
    ['/mcp-audit/events?decision=yes', 400, 'invalid_request'],
    ['/mcp-audit/export?fmt=xml', 400, 'invalid_request'],
    ['/mcp-audit/proof/inclusion?id=-1&size=5', 400, 'invalid_request'],
    ['/mcp-audit/proof/consistency?from=1&size=5', 400, 'invalid_request'],
    ['/mcp-audit/checkpoint?size=5', 400, 'invalid_request'],
    ['/mcp-audit/holds?offset=5', 400, 'invalid_request'],
    ['/mcp-audit/tile/0/000?x=1', 400, 'invalid_request'],
    ['/mcp-policy/policies?a=1', 400, 'invalid_request'],
    ['/mcp?a=1', 400, 'invalid_request'],
    ['/healthz?a=1', 400, 'invalid_request'],
  ],
  'targets that are too long': [
    [long(4_097), 414, 'target_too_long'],
    [`/mcp-audit/events?subject=${'a'.repeat(4_100)}`, 414, 'target_too_long'],
    [long(16_500), 431, 'headers_too_large'],
  ],
}

for (const [name, rows] of Object.entries(classes)) {
  describe(name, () => {
    for (const [target, status, code] of rows) {
      const shown = JSON.stringify(target.length > 80 ? `${target.slice(0, 60)}…` : target)
      test(`${shown} is refused with ${status} ${code} and reaches no service`, async (t) => {
        const { gateway, recorder } = await startPair(t)
        const bytes = Buffer.from(getBytes(gateway.port, target), 'latin1')
        assertRefused(await sendRaw(gateway.port, bytes), status, code)
        assert.deepEqual(recorder.received, [])
      })
    }
  })
}

test('a target of exactly 4,096 bytes is not too long', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const target = `/mcp-lineage/lineage/${'a'.repeat(4_096 - 21)}`
  const answer = await sendRaw(gateway.port, getBytes(gateway.port, target))
  assert.equal(answer.status, 200)
  assert.equal(recorder.received.length, 1)
})

const passed: [target: string, atService: string][] = [
  ['/mcp-audit/events', '/events'],
  ['/mcp-audit/events/12', '/events/12'],
  ['/mcp-audit/events?limit=5&before=9', '/events?limit=5&before=9'],
  ["/mcp-audit/events?subject=a'b(c)!*$,;:@/?", "/events?subject=a'b(c)!*$,;:@/?"],
  ['/mcp-audit/events?subject=%2e%2e%2f%25&actor=a=b', '/events?subject=%2e%2e%2f%25&actor=a=b'],
  ['/mcp-audit/export?fmt=ndjson&from_id=1&to_id=2', '/export?fmt=ndjson&from_id=1&to_id=2'],
  ['/mcp-audit/checkpoint', '/checkpoint'],
  ['/mcp-audit/checkpoint/key', '/checkpoint/key'],
  ['/mcp-audit/proof/inclusion?id=7&size=9', '/proof/inclusion?id=7&size=9'],
  ['/mcp-audit/proof/consistency?from=0&to=9', '/proof/consistency?from=0&to=9'],
  ['/mcp-audit/holds?limit=5&before=9', '/holds?limit=5&before=9'],
  ['/mcp-lineage/lineage/model-1', '/lineage/model-1'],
  ['/mcp-lineage/lineage/m%C3%b6del~1@x', '/lineage/m%C3%b6del~1@x'],
  ['/mcp-lineage/lineage?model_id=a%2Fb%3bc', '/lineage?model_id=a%2Fb%3bc'],
  ['/mcp-policy/policies', '/policies'],
  ['/mcp-policy/healthz', '/healthz'],
  ['/mcp-lineage/readyz', '/readyz'],
]
for (const [target, atService] of passed) {
  test(`${target} reaches the service byte for byte`, async (t) => {
    const { gateway, recorder } = await startPair(t)
    const answer = await sendRaw(gateway.port, getBytes(gateway.port, target))
    assert.equal(answer.status, 200)
    assert.deepEqual(
      recorder.received.map((call) => call.target),
      [atService],
    )
  })
}

const methods: [line: string, status: number, allow: string][] = [
  ['POST /mcp-audit/events', 405, 'GET'],
  ['HEAD /mcp-audit/events', 405, 'GET'],
  ['OPTIONS /mcp-audit/events', 405, 'GET'],
  ['TRACE /mcp-audit/events', 405, 'GET'],
  ['DELETE /mcp-audit/events/1', 405, 'GET'],
  ['PATCH /mcp-lineage/models', 405, 'GET'],
  ['QUERY /mcp-audit/events', 405, 'GET'],
  ['GET /mcp-audit/log', 405, 'POST'],
  ['GET /mcp-audit/log/batch', 405, 'POST'],
  ['GET /mcp-audit/events/1/erase', 405, 'POST'],
  ['DELETE /mcp-audit/holds', 405, 'POST, GET'],
  ['GET /mcp-audit/holds/1/release', 405, 'POST'],
  ['GET /mcp-audit/retention', 405, 'POST'],
  ['POST /mcp-audit/checkpoint', 405, 'GET'],
  ['HEAD /mcp-audit/tile/0/000', 405, 'GET'],
  ['PUT /mcp-policy/validate', 405, 'POST'],
  ['POST /mcp', 405, 'GET'],
  ['GET /api/v1/models/register', 405, 'POST'],
]
for (const [line, status, allow] of methods) {
  test(`${line} is ${status} and says what is allowed`, async (t) => {
    const { gateway, recorder } = await startPair(t)
    const bytes = requestBytes(gateway.port, `${line} HTTP/1.1`, ['Connection: close'])
    const answer = await sendRaw(gateway.port, bytes, { untilClosed: true })
    assert.equal(answer.status, status)
    assert.equal(answer.headers.allow, allow)
    if (!line.startsWith('HEAD')) assertRefused(answer, status, 'method_not_allowed')
    assert.deepEqual(recorder.received, [])
  })
}
