import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getBytes, sendRaw, startPair } from './harness.ts'

// What is refused is in corpus/targets.json.

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
