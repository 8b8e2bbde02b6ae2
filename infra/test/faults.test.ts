import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { ensureDatabase } from '../local/owner-database.ts'
import { freePort } from '../local/ports.ts'
import { startPostgres } from '../local/postgres.ts'
import { migrate } from '../migrate.ts'
import { type Appended, appendEvents } from '../test-support/appenders.ts'
import { checkLog } from '../test-support/check-log.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { startStack } from '../test-support/stack.ts'

const ACCEPTABLE = new Set([0, 502, 503, 504])

/** A database server of the test's own, which may be killed. */
async function startServer(t: TestContext) {
  const folder = scratchFolder(t)
  const options = {
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    port: await freePort(),
    owner: { user: 'governance', password: 'owner' },
    say: () => {},
  }
  const at = `127.0.0.1:${options.port}`
  let postgres = await startPostgres(options)
  t.after(() => postgres.stop())
  await ensureDatabase(`postgres://governance:owner@${at}/postgres`, 'governance')
  await migrate({
    databaseUrl: `postgres://governance@${at}/governance`,
    ownerPassword: 'owner',
    servicePasswords: { lineage_service: 'lineage', audit_service: 'audit' },
  })
  return {
    ownerUrl: `postgres://governance:owner@${at}/governance`,
    auditUrl: `postgres://audit_service:audit@${at}/governance`,
    lineageUrl: `postgres://lineage_service:lineage@${at}/governance`,
    async killAndRestart() {
      process.kill(postgres.pid, 'SIGKILL')
      await postgres.exited
      postgres = await startPostgres(options)
    },
  }
}

/** Every acknowledged entry is in the table as it was acknowledged; in doubt are at most the failed ones. */
async function assertNothingLost(ownerUrl: string, { acknowledged, failures }: Appended) {
  const stored = await checkLog(ownerUrl)
  const client = new Client({ connectionString: ownerUrl })
  await client.connect()
  const { rows } = await client.query(
    "SELECT id::int, encode(entry_hash, 'hex') AS entry_hash FROM audit_log",
  )
  await client.end()
  const hashes = new Map(rows.map(({ id, entry_hash }) => [id, entry_hash]))
  for (const { id, entry_hash } of acknowledged)
    assert.equal(hashes.get(id), entry_hash, `entry ${id}`)
  assert.ok(
    stored - acknowledged.length <= failures.length,
    'in doubt are only requests that failed',
  )
  assert.deepEqual(
    failures.filter((status) => !ACCEPTABLE.has(status)),
    [],
  )
}

test('SIGKILL of mcp-audit, of the gateway and of PostgreSQL under load loses nothing acknowledged', async (t) => {
  const server = await startServer(t)
  const stack = await startStack(server)
  t.after(() => stack.stop())
  let done = false
  let progress = 0
  const load = appendEvents(`${stack.gateway.url}/mcp-audit/log`, 32, (n) => {
    progress = n
    return done
  })
  const moreThan = async (n: number) => {
    while (progress < n) await sleep(20)
  }
  const faults = [
    async () => {
      assert.equal(await stack.audit.end('SIGKILL'), 'SIGKILL')
      await stack.audit.start()
    },
    async () => {
      assert.equal(await stack.gateway.end('SIGKILL'), 'SIGKILL')
      await stack.gateway.start()
    },
    () => server.killAndRestart(),
  ]
  for (const fault of [...faults, ...faults]) {
    // Progress before each fault shows that the stack has healed from the one before.
    await moreThan(progress + 300)
    await fault()
  }
  await moreThan(progress + 300)
  done = true
  await assertNothingLost(server.ownerUrl, await load)
})

test('without a database writes are 503 with Retry-After, readiness says so, and no service ends', async (t) => {
  const server = await startServer(t)
  const stack = await startStack(server)
  t.after(() => stack.stop())
  const client = new Client({ connectionString: server.ownerUrl })
  await client.connect()
  // Nobody may connect, and who is connected is thrown out: to the services the database is away.
  await client.query('ALTER ROLE audit_service NOLOGIN')
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'audit_service'`,
  )
  const event = JSON.stringify({ event_type: 'a', subject: 'b', decision: true })
  const append = () =>
    fetch(`${stack.gateway.url}/mcp-audit/log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: event,
    })
  const refused = await append()
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.match(
    ((await refused.json()) as { code: string }).code,
    /^(database_unavailable|outcome_unknown)$/,
  )
  while ((await fetch(`${stack.audit.url}/readyz`)).status !== 503) await sleep(100)
  assert.equal((await fetch(`${stack.audit.url}/healthz`)).status, 200)
  await client.query('ALTER ROLE audit_service LOGIN')
  await client.end()
  while ((await append()).status !== 200) await sleep(100)
  assert.ok((await checkLog(server.ownerUrl)) >= 1)
})

test('SIGTERM lets requests in flight finish and ends with 0', async (t) => {
  const server = await startServer(t)
  const stack = await startStack(server)
  t.after(() => stack.stop())
  let done = false
  const load = appendEvents(`${stack.gateway.url}/mcp-audit/log`, 32, () => done)
  await sleep(300)
  assert.equal(await stack.audit.end('SIGTERM'), 0)
  await stack.audit.start()
  await sleep(300)
  assert.equal(await stack.gateway.end('SIGTERM'), 0)
  done = true
  await assertNothingLost(server.ownerUrl, await load)
})

test('SIGTERM lets an export finish that a slow reader is reading, and then ends at once', async (t) => {
  const server = await startServer(t)
  const stack = await startStack(server)
  t.after(() => stack.stop())
  await appendEvents(`${stack.audit.url}/log`, 32, (n) => n >= 4_000)
  const answer = await fetch(`${stack.audit.url}/export?fmt=ndjson`)
  const ended = stack.audit.end('SIGTERM')
  let text = ''
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString('latin1')
    await sleep(1)
  }
  assert.equal(JSON.parse(text.trimEnd().split('\n').at(-1) as string).trailer, true)
  assert.equal(await ended, 0)
})
