import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { Failure } from '../failure.ts'
import { freePort } from '../local/ports.ts'
import { type PostgresOptions, startPostgres } from '../local/postgres.ts'
import { commandLine } from '../local/processes.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const owner = { user: 'governance', password: 'correct-horse' }

async function optionsIn(folder: string): Promise<PostgresOptions> {
  return {
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    port: await freePort(),
    owner,
  }
}

async function started(t: TestContext, options: PostgresOptions) {
  const server = await startPostgres(options)
  t.after(() => server.stop())
  return server
}

async function ask(port: number, sql: string, password = owner.password): Promise<unknown[]> {
  const client = new Client({
    connectionString: `postgres://${owner.user}:${password}@127.0.0.1:${port}/postgres?sslmode=disable`,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const result = await client.query({ text: sql, rowMode: 'array' })
    return result.rows?.[0] ?? []
  } finally {
    await client.end()
  }
}

test('a new server is UTF-8, durable, checksummed, and reachable on loopback alone', async (t) => {
  const { port } = await started(t, await optionsIn(scratchFolder(t)))
  const settings = [
    ['server_encoding', 'UTF8'],
    ['fsync', 'on'],
    ['full_page_writes', 'on'],
    ['synchronous_commit', 'on'],
    ['data_checksums', 'on'],
    ['listen_addresses', '127.0.0.1'],
    ['unix_socket_directories', ''],
    ['log_statement', 'none'],
  ] as const
  for (const [name, value] of settings) {
    assert.deepEqual(await ask(port, `SHOW ${name}`), [value], name)
  }
})

test('every connection has to give the password', async (t) => {
  const { port } = await started(t, await optionsIn(scratchFolder(t)))
  await assert.rejects(ask(port, 'SELECT 1', 'wrong-horse'), { code: '28P01' })
  assert.deepEqual(
    await ask(port, `SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules`),
    ['scram-sha-256'],
  )
})

test('a Ctrl-C in the terminal cannot reach it: it leads a process group of its own', async (t) => {
  const { pid } = await started(t, await optionsIn(scratchFolder(t)))
  const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)]).toString()
  assert.equal(Number(group), pid)
})

test('a second start finds the data', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  const first = await started(t, options)
  await ask(first.port, 'CREATE TABLE kept AS SELECT 42 AS n')
  await first.stop()
  const second = await started(t, options)
  assert.deepEqual(await ask(second.port, 'SELECT n FROM kept'), [42])
})

test('a killed server comes back at once with everything that was committed', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  const first = await started(t, options)
  await ask(first.port, 'CREATE TABLE kept AS SELECT 42 AS n')
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const second = await started(t, options)
  assert.deepEqual(await ask(second.port, 'SELECT n FROM kept'), [42])
})

test('a server that an earlier run left on the folder is stopped first', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  const left = await started(t, options)
  const said: string[] = []
  const next = await started(t, { ...options, port: await freePort(), say: (s) => said.push(s) })
  assert.equal(commandLine(left.pid), '')
  assert.match(said.join(), new RegExp(`process ${left.pid}`))
  assert.deepEqual(await ask(next.port, 'SELECT 1'), [1])
})

test('a pid file that names another living program does not block, and that program lives on', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  const first = await started(t, options)
  await first.stop()
  writeFileSync(join(options.dataDir, 'postmaster.pid'), `${process.pid}\n${options.dataDir}\n`)
  const second = await started(t, options)
  assert.deepEqual(await ask(second.port, 'SELECT 1'), [1])
})

test('an initdb that fails leaves nothing behind', async (t) => {
  const folder = scratchFolder(t)
  const options = await optionsIn(join(folder, 'data'))
  // PostgreSQL reserves the prefix pg_ for itself.
  const refused = { ...options, owner: { ...owner, user: 'pg_owner' } }
  await assert.rejects(startPostgres(refused), Failure)
  assert.deepEqual(readdirSync(join(folder, 'data')), [])
})

test('what an interrupted initdb left is made anew', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  mkdirSync(`${options.dataDir}.new/base`, { recursive: true })
  writeFileSync(`${options.dataDir}.new/PG_VERSION`, '18\n')
  const { port } = await started(t, options)
  assert.deepEqual(await ask(port, 'SELECT 1'), [1])
})

test('a folder of another version, or of something else, is refused and not touched', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  mkdirSync(options.dataDir)
  writeFileSync(join(options.dataDir, 'diary.txt'), 'mine')
  await assert.rejects(startPostgres(options), Failure)
  writeFileSync(join(options.dataDir, 'PG_VERSION'), '17\n')
  await assert.rejects(startPostgres(options), Failure)
  assert.deepEqual(readdirSync(options.dataDir).sort(), ['PG_VERSION', 'diary.txt'])
})

test('a file in the place of the folder is refused as a file', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  writeFileSync(options.dataDir, '')
  await assert.rejects(
    startPostgres(options),
    (error: Error) =>
      error instanceof Failure &&
      error.message.startsWith(`${options.dataDir} is a file`) &&
      !error.message.includes('chown'),
  )
})

test('a damaged cluster is refused with the reason that PostgreSQL gives', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  await (await started(t, options)).stop()
  writeFileSync(join(options.dataDir, 'global', 'pg_control'), '')
  await assert.rejects(
    startPostgres(options),
    (error: Error) => error instanceof Failure && error.message.includes(options.logFile),
  )
})

test('a port in use is named', async (t) => {
  const options = await optionsIn(scratchFolder(t))
  const other = createServer().listen(options.port, '127.0.0.1')
  t.after(() => other.close())
  await assert.rejects(
    startPostgres(options),
    (error: Error) => error instanceof Failure && error.message.includes(`:${options.port}`),
  )
})
