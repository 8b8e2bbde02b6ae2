import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  dashboard,
  dashboardExpressions,
  metricNames,
  ruleExpressions,
} from '../observability/expressions.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

/** How Grafana refers to the variable of that name. */
const DATASOURCE = ['$', '{datasource}'].join('')

let database: TestDatabase
let stack: Stack
/** The text of each service's metrics. */
const texts = new Map<string, string>()

before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { records: true })
  await fetch(`${stack.gateway.url}/mcp-audit/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event_type: 'observed', subject: 's', decision: true }),
  })
  await fetch(`${stack.gateway.url}/mcp-audit/checkpoint`)
  const { gateway, lineage, policy, audit } = stack
  for (const [name, service] of Object.entries({ gateway, lineage, policy, audit })) {
    texts.set(name, await (await fetch(service.metricsUrl)).text())
  }
})
after(async () => {
  await stack?.stop()
  await database?.drop()
})

/** Names as samples carry them: a histogram is asked for by its buckets, count and sum. */
function exposed(): Set<string> {
  const names = [...texts.values()].flatMap((text) =>
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name, type]) =>
      type === 'histogram'
        ? ['_bucket', '_count', '_sum'].map((end) => name + end)
        : type === 'summary'
          ? [`${name}`, `${name}_count`, `${name}_sum`]
          : [`${name}`],
    ),
  )
  return new Set(names)
}

test('dashboard and rules ask only for metrics that the services have', () => {
  const { expressions, recorded } = ruleExpressions()
  const known = new Set([...exposed(), ...recorded])
  assert.deepEqual(metricNames('sum by (le) (rate(a_b{c="d_e"}[1m])) / on (f_g) max(h_i) > 1'), [
    'a_b',
    'h_i',
  ])
  for (const { where, expr } of [...expressions, ...dashboardExpressions()]) {
    const names = metricNames(expr)
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
      `${where}: ${expr}`,
    )
  }
})

test('every metric of ours is in the table of docs/API.md, and nothing else is', () => {
  const ours = [...texts.values()].flatMap((text) =>
    [...text.matchAll(/^# TYPE ((?:governance|http)_\S+)/gm)].map(([, name]) => `${name}`),
  )
  const api = readFileSync(join(import.meta.dirname, '../../docs/API.md'), 'utf8')
  const described = [...api.matchAll(/^\| `((?:governance|http)_[a-z_]+)/gm)].map(
    ([, name]) => name,
  )
  assert.deepEqual(described.toSorted(), [...new Set(ours)].toSorted())
})

test('state is shown from the start: the head of the log, the checkpoint, the policies', () => {
  const value = (service: string, line: RegExp) => Number(line.exec(texts.get(service) ?? '')?.[1])
  assert.ok(value('audit', /^governance_log_entries\{.*\} (\d+)$/m) >= 1)
  assert.ok(value('audit', /^governance_checkpoint_entries\{.*\} (\d+)$/m) >= 0)
  assert.equal(value('audit', /^governance_signings_total\{outcome="signed".*\} (\d+)$/m), 1)
  assert.equal(value('audit', /^governance_database_up\{.*\} (\d+)$/m), 1)
  assert.equal(value('policy', /^governance_policy_stale\{.*\} (\d+)$/m), 0)
  assert.match(texts.get('policy') ?? '', /^governance_policy_info\{digest="sha256:[0-9a-f]{64}"/m)
  assert.equal(
    value('gateway', /^governance_upstream_replicas_up\{upstream="mcp-audit".*\} (\d+)$/m),
    1,
  )
})

/** The log lines of a service about a trace, as soon as there is one. */
async function linesOf(service: ServiceProcess, traceId: string) {
  for (;;) {
    const lines = service
      .log()
      .split('\n')
      .filter((line) => line.includes(traceId))
    if (lines.length > 0) return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    await sleep(50)
  }
}

test('a request can be followed from the gateway to the service: one line in each log, of its trace', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const answer = await fetch(`${stack.gateway.url}/mcp-audit/events?limit=1`, {
    headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, 'x-request-id': 'followed' },
  })
  assert.equal(answer.status, 200)
  for (const service of [stack.gateway, stack.audit]) {
    const [line, ...more] = await linesOf(service, traceId)
    assert.deepEqual(more, [])
    assert.equal(line?.msg, 'request')
    assert.equal(line?.span_id, 'b7ad6b7169203331')
    assert.equal(line?.request_id, 'followed')
    assert.equal(line?.actor, 'anonymous')
  }
})

test('every alert has a section in docs/OPERATIONS.md, and a test that it fires', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '../..', name), 'utf8')
  const alerts = [...read('infra/observability/alerts.yml').matchAll(/- alert: (\w+)/g)]
  assert.ok(alerts.length > 20)
  for (const [, name = ''] of alerts) {
    assert.ok(read('docs/OPERATIONS.md').includes(`| \`${name}\` `), name)
    assert.ok(read('infra/observability/alerts_test.yml').includes(`{alertname="${name}"}`), name)
  }
})

test('the dashboard is in order: ids once, no panel over another, each with a text, all over one variable', () => {
  const { panels, templating } = dashboard()
  assert.ok(
    templating.list.some(({ name, type }) => name === 'datasource' && type === 'datasource'),
  )
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { type, title, description, datasource, gridPos, targets = [] } of panels) {
    assert.ok(title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x},${y}`), title)
        taken.add(`${x},${y}`)
      }
    }
    if (type === 'row') continue
    assert.ok(description && targets.length > 0, title)
    for (const from of [datasource, ...targets.map((target) => target.datasource)]) {
      assert.equal(from?.uid, DATASOURCE, title)
    }
  }
})
