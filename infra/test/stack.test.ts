import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createClient } from '../../clients/typescript/src/index.ts'
import { appendEvents } from '../test-support/appenders.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { curlCommands } from '../test-support/readme.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const root = join(import.meta.dirname, '..', '..')
let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
})
after(async () => {
  await stack.stop()
  await database.drop()
})
afterEach(async () => {
  await checkLog(database.ownerUrl)
})

test('every command of the README answers as it says', async () => {
  const commands = curlCommands(readFileSync(join(root, 'README.md'), 'utf8'), root)
  assert.ok(commands.length >= 10)
  const answers: Record<string, unknown>[] = []
  for (const { url, body } of commands) {
    const response = await fetch(url.replace('http://127.0.0.1:8080', stack.gateway.url), {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    })
    const text = await response.text()
    assert.equal(response.status, 200, `${url}: ${text}`)
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    answers.push(isJson ? JSON.parse(text) : { text })
  }
  const decisions = answers.filter((answer) => 'risk_score' in answer)
  assert.deepEqual(
    decisions.map(({ allowed, risk_score }) => [allowed, risk_score]),
    [
      [true, 3],
      [false, 45],
    ],
  )
  for (const verdict of answers.filter((answer) => 'first_bad_id' in answer)) {
    assert.equal(verdict.ok, true)
  }
})

test('the walk-through passes, on a log with erased details too', async () => {
  const client = createClient({ baseUrl: stack.gateway.url })
  const { id } = await client.audit.log({ event_type: 'a', subject: 'b', decision: true })
  await client.audit.erase(id, { reason: 'asked for', legal_basis: 'GDPR Art. 17' })
  const child = spawn(process.execPath, [join(root, 'examples/walkthrough.ts')], {
    env: { AIGOV_URL: stack.gateway.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  assert.equal(code, 0, output)
  assert.match(
    output,
    /what the pinned key signed, then and now \.\.\. roots at \d+ and \d+ entries$/m,
  )
})

test('the request id of the caller is in both logs and in the stored row', async () => {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'trace.me-7' }
  const body = JSON.stringify({ event_type: 'a', subject: 'b', decision: true })
  const answer = await fetch(`${stack.gateway.url}/mcp-audit/log`, {
    method: 'POST',
    headers,
    body,
  })
  assert.equal(answer.headers.get('x-request-id'), 'trace.me-7')
  const { id } = (await answer.json()) as { id: number }
  const client = new Client({ connectionString: database.ownerUrl })
  await client.connect()
  const { rows } = await client.query('SELECT request_id FROM audit_log WHERE id = $1', [id])
  await client.end()
  assert.equal(rows[0].request_id, 'trace.me-7')
  const hasLine = (log: string) =>
    log
      .split('\n')
      .some((line) => line.startsWith('{') && JSON.parse(line).request_id === 'trace.me-7')
  // Log lines are gathered for a moment before they are written.
  while (!hasLine(stack.gateway.log()) || !hasLine(stack.audit.log())) await sleep(50)
})

test('no log line holds a body', async () => {
  const body = JSON.stringify({
    event_type: 'a',
    subject: 'b',
    decision: true,
    details: { pin: 'SECRET-4711' },
  })
  const headers = {
    'content-type': 'application/json',
    authorization: 'Bearer SECRET-4711',
    'x-request-id': 'last-one',
  }
  await (
    await fetch(`${stack.gateway.url}/mcp-audit/log?x=SECRET-4711`, {
      method: 'POST',
      headers,
      body,
    })
  ).text()
  await (
    await fetch(`${stack.gateway.url}/mcp-audit/log`, { method: 'POST', headers, body })
  ).text()
  while (!stack.audit.log().includes('last-one')) await sleep(50)
  for (const service of [stack.gateway, stack.audit]) assert.doesNotMatch(service.log(), /SECRET/)
})

test('64 clients at the gateway and 16 at a second replica append without a gap, fork or error', async () => {
  const before = await checkLog(database.ownerUrl)
  const [through, direct] = await Promise.all([
    appendEvents(`${stack.gateway.url}/mcp-audit/log`, 64, (n) => n >= 20_000),
    appendEvents(`${stack.otherAudit.url}/log`, 16, (n) => n >= 4_000),
  ])
  assert.deepEqual([...through.failures, ...direct.failures], [])
  const count = through.acknowledged.length + direct.acknowledged.length
  assert.ok(count >= 24_000)
  const ids = new Set([...through.acknowledged, ...direct.acknowledged].map(({ id }) => id))
  assert.equal(ids.size, count)
  assert.equal(await checkLog(database.ownerUrl), before + count)
})
