import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { Failure } from '../failure.ts'
import { hasDatabase } from '../local/data-folder.ts'
import { startDatabase } from '../local/database-server.ts'
import { ensureSecrets, readSecret } from '../local/secrets.ts'
import type { Settings } from '../local/settings.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const defaults: Settings = {
  gatewayPort: 8080,
  postgresUser: 'governance',
  postgresDatabase: 'governance',
  postgresPassword: undefined,
  logLevel: 'info',
  policiesDir: 'policies',
  aibomPublicKeyPath: undefined,
  aibomRequired: undefined,
  gateSlaMs: undefined,
  gatewayAllowedHosts: undefined,
  auth: { AUTH_MODE: 'none' },
  auditOrigin: undefined,
  auditWitnessesPath: undefined,
}

async function start(t: TestContext, data: string, say: (line: string) => void = () => {}) {
  const secrets = ensureSecrets(join(data, 'secrets'), undefined, hasDatabase(data))
  const database = await startDatabase(data, defaults, secrets, say)
  t.after(() => database.stop())
  return database
}

async function logInAsAudit(data: string, port: number): Promise<void> {
  const password = readSecret(join(data, 'secrets', 'audit_service'))
  const client = new Client({
    connectionString: `postgres://audit_service:${password}@127.0.0.1:${port}/governance`,
  })
  await client.connect()
  await client.end()
}

test('the database is made, migrated and given its logins, and keeps its port', async (t) => {
  const data = scratchFolder(t)
  const first = await start(t, data)
  await logInAsAudit(data, first.port)
  await first.stop()
  assert.equal((await start(t, data)).port, first.port)
})

test('when another program took its port it moves, and says so', async (t) => {
  const data = scratchFolder(t)
  const first = await start(t, data)
  await first.stop()
  const other = createServer().listen(first.port, '127.0.0.1')
  t.after(() => other.close())
  const said: string[] = []
  const second = await start(t, data, (line) => said.push(line))
  assert.notEqual(second.port, first.port)
  assert.match(said.join(), new RegExp(`port ${second.port}\\b.*${first.port}`))
  await logInAsAudit(data, second.port)
})

test('a database that is killed is started again on its port, and both are said', async (t) => {
  const data = scratchFolder(t)
  const told = Promise.withResolvers<void>()
  const said: string[] = []
  const database = await start(t, data, (line) => {
    said.push(line)
    if (line === 'PostgreSQL is ready again') told.resolve()
  })
  const pidFile = readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8')
  process.kill(Number(pidFile.split('\n')[0]), 'SIGKILL')
  await told.promise
  assert.ok(said.some((line) => line.startsWith('PostgreSQL ended')))
  await logInAsAudit(data, database.port)
})

test('a changed owner or name of the database is refused', async (t) => {
  const data = scratchFolder(t)
  const secrets = ensureSecrets(join(data, 'secrets'), undefined, hasDatabase(data))
  await (await start(t, data)).stop()
  const changed = { ...defaults, postgresUser: 'somebody' }
  await assert.rejects(
    startDatabase(data, changed, secrets, () => {}),
    Failure,
  )
})

test('a password file that is not the one of the database is refused, and nothing is left running', async (t) => {
  const data = scratchFolder(t)
  await (await start(t, data)).stop()
  const owner = join(data, 'secrets', 'owner')
  writeFileSync(owner, 'another-password\n')
  await assert.rejects(start(t, data), Failure)
  assert.equal(existsSync(join(data, 'postgres', 'postmaster.pid')), false)
})

test('a damaged note of the port is refused by name', async (t) => {
  const data = scratchFolder(t)
  await (await start(t, data)).stop()
  writeFileSync(join(data, 'database.json'), '{"port":')
  await assert.rejects(
    start(t, data),
    (error: Error) => error instanceof Failure && error.message.includes('database.json'),
  )
})

test('a database that is gone is refused, not replaced by an empty one', async (t) => {
  const data = scratchFolder(t)
  await (await start(t, data)).stop()
  rmSync(join(data, 'postgres'), { recursive: true })
  assert.throws(() => hasDatabase(data), Failure)
})

test('a database that could not be made the first time may be made the next time', async (t) => {
  const data = scratchFolder(t)
  const secrets = ensureSecrets(join(data, 'secrets'), undefined, false)
  // PostgreSQL reserves the prefix pg_ for itself.
  const refused = { ...defaults, postgresUser: 'pg_owner' }
  await assert.rejects(
    startDatabase(data, refused, secrets, () => {}),
    Failure,
  )
  assert.equal(hasDatabase(data), false)
})

test('the passwords of the services may be made anew, that of the owner never', async (t) => {
  const data = scratchFolder(t)
  await (await start(t, data)).stop()
  rmSync(join(data, 'secrets', 'audit_service'))
  const database = await start(t, data)
  await logInAsAudit(data, database.port)
  await database.stop()
  const owner = join(data, 'secrets', 'owner')
  rmSync(owner)
  await assert.rejects(
    start(t, data),
    (error: Error) => error instanceof Failure && error.message.includes(owner),
  )
  assert.equal(existsSync(owner), false)
})
