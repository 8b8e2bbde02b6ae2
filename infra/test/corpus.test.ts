import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byClass, readCorpus } from '../../services/mcp-gateway/test/corpus.ts'
import { assertAnswered } from '../../services/mcp-gateway/test/corpus-exchange.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

let database: TestDatabase
let stack: Stack
let port: number
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
  port = Number(new URL(stack.gateway.url).port)
})
after(async () => {
  await stack.stop()
  await database.drop()
})

const corpus = readCorpus()
/** The request ids under which something was refused. */
const refused: string[] = []

for (const [name, samples] of byClass(corpus)) {
  test(`${name}: the running stack answers all ${samples.length} as written`, async () => {
    const unmet: string[] = []
    for (const one of samples) {
      try {
        const answer = await assertAnswered(port, one)
        if (answer && answer.status >= 400) refused.push(answer.headers['x-request-id'] as string)
      } catch (error) {
        unmet.push(`${one.what.slice(0, 80)}: ${(error as Error).message.replaceAll('\n', ' ')}`)
      }
    }
    assert.deepEqual(unmet, [])
  })
}

test('after the corpus the stack is well, and no refused request has reached a service', async () => {
  const services = [
    [stack.audit, '/mcp-audit/events'],
    [stack.lineage, '/mcp-lineage/models'],
    [stack.policy, '/mcp-policy/policies'],
  ] as const
  for (const [, path] of services) {
    const answer = await fetch(`${stack.gateway.url}${path}`, {
      headers: { 'x-request-id': 'the-last-one' },
    })
    assert.equal(answer.status, 200)
    await answer.text()
  }
  const ready = await fetch(`${stack.gateway.url}/readyz`)
  assert.equal(ready.status, 200, await ready.text())
  let reached = 0
  for (const [service] of services) {
    // Log lines are gathered for a moment before they are written, in order.
    while (!service.log().includes('the-last-one')) await sleep(50)
    const requests = linesOf(service).filter(({ msg }) => msg === 'request')
    assert.ok(requests.every(({ status }) => Number(status) < 500))
    reached += requests.length - 1
  }
  assert.equal(reached, corpus.filter((one) => one.reaches).length)
  while (!stack.gateway.log().includes('the-last-one')) await sleep(50)
  const lines = linesOf(stack.gateway)
  assert.ok(lines.every(({ status }) => status !== 500))
  const logged = Map.groupBy(lines, (line) => line.request_id)
  assert.deepEqual(
    refused.filter((id) => logged.get(id)?.length !== 1),
    [],
    'one log line a refusal',
  )
  await checkLog(database.ownerUrl)
})

function linesOf(service: ServiceProcess): Record<string, unknown>[] {
  return service
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}
