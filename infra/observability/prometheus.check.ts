// Tries the files of this folder against a real Prometheus and its rule checker, over the real services:
//
//   .ci/observability     gets Prometheus where there is none, and runs this
//
// Needs `prometheus` and `promtool` on the PATH; not part of `npm test`, which needs nothing installed.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'
import { dashboardExpressions, type Expression, ruleExpressions } from './expressions.ts'

const here = import.meta.dirname
/** Scrapes before anything is asked: a rate needs two, and the rules have to be evaluated in between. */
const SCRAPES = 6

let database: TestDatabase
let stack: Stack
let folder: string
let prometheus: ChildProcess
let address: string

before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { records: true })
  folder = mkdtempSync(join(tmpdir(), 'governance-prometheus-'))
  copyFileSync(join(here, 'alerts.yml'), join(folder, 'alerts.yml'))
  writeFileSync(join(folder, 'prometheus.yml'), configuration(stack))
  address = `127.0.0.1:${await freePort()}`
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  await once(prometheus, 'spawn')
  await untilScraped()
})
after(async () => {
  if (prometheus?.exitCode === null) {
    prometheus.kill('SIGTERM')
    await once(prometheus, 'exit')
  }
  await stack?.stop()
  await database?.drop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** The local configuration with the ports of this stack, and in seconds. */
function configuration({ gateway, lineage, policy, audit }: Stack): string {
  let text = readFileSync(join(here, 'prometheus.local.yml'), 'utf8')
  const ports = { 9180: gateway, 9181: lineage, 9182: policy, 9183: audit }
  for (const [port, service] of Object.entries(ports)) {
    text = text.replace(`127.0.0.1:${port}`, new URL(service.metricsUrl).host)
  }
  return text.replace(/_interval: 15s/g, '_interval: 1s')
}

/** Some of everything, so that there is something to see. */
async function traffic(url: string): Promise<void> {
  const post = (path: string, body: unknown, headers = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const event = { event_type: 'observed', subject: 's', decision: true, details: {} }
  const key = { 'idempotency-key': 'the-same' }
  await Promise.all([
    post('/mcp-audit/log', event),
    post('/mcp-audit/log', event, key),
    post('/mcp-policy/validate', { payload: {} }),
    post('/mcp-audit/log', { wrong: true }),
    fetch(`${url}/mcp-audit/checkpoint`),
    fetch(`${url}/mcp-audit/verify`),
    fetch(`${url}/mcp-lineage/verify`),
    fetch(`${url}/nothing/here`),
  ])
}

async function query(expr: string): Promise<unknown[]> {
  const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expr)}`)
  const body = (await answer.json()) as {
    status: string
    error?: string
    data: { result: unknown[] }
  }
  assert.equal(body.status, 'success', `${expr}: ${body.error}`)
  return body.data.result
}

async function untilScraped(): Promise<void> {
  for (let seen = 0, tries = 0; seen < SCRAPES && tries < 240; tries++) {
    await traffic(stack.gateway.url)
    await sleep(500)
    const counts = await query('min(count_over_time(up{job=~"mcp-.+"}[5m]))').catch(() => [])
    const [first] = counts as { value: [number, string] }[]
    seen = Number(first?.value[1] ?? 0)
  }
}

function promtool(...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, {
    encoding: 'utf8',
    cwd: here,
  })
  assert.ifError(error)
  assert.equal(status, 0, `${stdout}${stderr}`)
}

test('the rule checker takes configurations and rules', () => {
  promtool('check', 'config', 'prometheus.yml')
  promtool('check', 'config', 'prometheus.local.yml')
  promtool('check', 'rules', 'alerts.yml')
})

test('each alert fires when it should, and none on a quiet day', () => {
  promtool('test', 'rules', 'alerts_test.yml')
})

test('Prometheus scrapes all four services', async () => {
  assert.equal((await query('up{job=~"mcp-.+"} == 1')).length, 4)
})

test('Prometheus answers every expression of the rules', async () => {
  for (const { expr } of ruleExpressions().expressions) await query(expr)
})

test('every panel of the dashboard has something to show', async () => {
  const empty: string[] = []
  for (const { where, expr } of dashboardExpressions()) {
    if ((await query(expr)).length === 0) empty.push(`${where}: ${expr}`)
  }
  assert.deepEqual(empty, [])
})

test('everything that a rule compares is there to be compared', async () => {
  const empty: string[] = []
  for (const { where, expr } of ruleExpressions().expressions.flatMap(sides)) {
    if ((await query(expr)).length === 0) empty.push(`${where}: ${expr}`)
  }
  assert.deepEqual(empty, [])
})

/** What stands to the left of each comparison; an `absent` has none. */
function sides({ where, expr }: Expression): Expression[] {
  if (expr.includes('absent(')) return []
  return expr.split(/ and /).map((part) => ({ where, expr: part.split(/ [<>=]=? /)[0] as string }))
}
