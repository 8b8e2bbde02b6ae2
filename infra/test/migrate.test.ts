import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { Failure } from '../failure.ts'
import { ensureDatabase } from '../local/owner-database.ts'
import { freePort } from '../local/ports.ts'
import { startPostgres } from '../local/postgres.ts'
import { type MigrateOptions, migrate } from '../migrate.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const ownerPassword = 'owner-password'

/** A server of the test's own, because the logins that a migration sets belong to the whole server. */
async function freshDatabase(t: TestContext): Promise<MigrateOptions & { folder: string }> {
  const folder = scratchFolder(t)
  const port = await freePort()
  const server = await startPostgres({
    dataDir: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    port,
    owner: { user: 'governance', password: ownerPassword },
  })
  t.after(() => server.stop())
  const at = `127.0.0.1:${port}`
  await ensureDatabase(`postgres://governance:${ownerPassword}@${at}/postgres`, 'governance')
  return {
    folder,
    databaseUrl: `postgres://governance@${at}/governance`,
    ownerPassword,
    servicePasswords: { lineage_service: 'lineage-one', audit_service: 'audit-one' },
  }
}

async function whoAmI(databaseUrl: string, user: string, password: string): Promise<string> {
  const url = new URL(databaseUrl)
  url.username = user
  url.password = password
  const client = new Client({ connectionString: url.href })
  await client.connect()
  const { rows } = await client.query('SELECT current_user AS me')
  await client.end()
  return rows[0].me
}

test('the second run applies nothing, and replaces the passwords', async (t) => {
  const options = await freshDatabase(t)
  assert.equal((await migrate(options))[0], '0000_init')
  const { databaseUrl } = options
  assert.equal(await whoAmI(databaseUrl, 'audit_service', 'audit-one'), 'audit_service')
  assert.equal(await whoAmI(databaseUrl, 'lineage_service', 'lineage-one'), 'lineage_service')

  const servicePasswords = { lineage_service: 'lineage-two', audit_service: 'audit-two' }
  assert.deepEqual(await migrate({ ...options, servicePasswords }), [])
  assert.equal(await whoAmI(databaseUrl, 'audit_service', 'audit-two'), 'audit_service')
  await assert.rejects(whoAmI(databaseUrl, 'audit_service', 'audit-one'), { code: '28P01' })
})

test('settings that a login has made for its own role are gone after the next run', async (t) => {
  const options = await freshDatabase(t)
  await migrate(options)
  const login = new URL(options.databaseUrl)
  login.username = 'audit_service'
  login.password = 'audit-one'
  const client = new Client({ connectionString: login.href })
  await client.connect()
  await client.query('ALTER ROLE audit_service SET default_transaction_read_only = on')
  await client.query('ALTER ROLE audit_service IN DATABASE governance SET search_path = pg_catalog')
  await migrate(options)
  const { rows } = await client.query('SELECT * FROM pg_db_role_setting WHERE setrole <> 0')
  await client.end()
  assert.deepEqual(rows, [])
})

test('a service that would log in with the rights of an owner is refused', async (t) => {
  const options = await freshDatabase(t)
  await migrate(options)
  const { databaseUrl, ownerPassword } = options
  const url = new URL(databaseUrl)
  url.password = ownerPassword
  const owner = new Client({ connectionString: url.href })
  await owner.connect()
  await owner.query('ALTER ROLE audit_service SUPERUSER')
  await owner.end()
  await assert.rejects(
    migrate(options),
    (error) => error instanceof Failure && /^audit_service has the rights/.test(error.message),
  )
})

test('an owner who may make roles and is no superuser, as managed databases and operators give one, is enough', async (t) => {
  const options = await freshDatabase(t)
  await query(options, `CREATE ROLE plain LOGIN CREATEROLE PASSWORD '${ownerPassword}'`)
  await query(options, 'CREATE DATABASE plain OWNER plain')
  const databaseUrl = options.databaseUrl.replaceAll('governance', 'plain')
  const asPlain = { ...options, databaseUrl }
  assert.equal((await migrate(asPlain))[0], '0000_init')
  assert.deepEqual(await migrate(asPlain), [])
  assert.equal(await whoAmI(databaseUrl, 'audit_service', 'audit-one'), 'audit_service')
})

test('runs at the same time wait for each other', async (t) => {
  const options = await freshDatabase(t)
  const applied = await Promise.all([migrate(options), migrate(options), migrate(options)])
  assert.equal(applied.filter((names) => names.length > 0).length, 1)
})

test('of a failing file nothing is kept, and the message names the place', async (t) => {
  const options = await freshDatabase(t)
  const migrationsDir = scratchFolder(t)
  writeFileSync(join(migrationsDir, '0000_good.sql'), 'CREATE TABLE good (id int);')
  writeFileSync(
    join(migrationsDir, '0001_bad.sql'),
    'CREATE TABLE half (id int);\nSELECT oops FROM half;',
  )
  await assert.rejects(
    migrate({ ...options, migrationsDir }),
    (error: Error) => error instanceof Failure && error.message.includes('SELECT oops FROM half'),
  )
  const [found] = await query(
    options,
    `SELECT to_regclass('good') AS good, to_regclass('half') AS half`,
  )
  assert.deepEqual(found, { good: null, half: null })
})

async function query(options: MigrateOptions, sql: string): Promise<unknown[]> {
  const url = new URL(options.databaseUrl)
  url.password = options.ownerPassword
  const client = new Client({ connectionString: url.href })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

test('a wrong owner password, a missing database and a dead address are failures for a person', async (t) => {
  const options = await freshDatabase(t)
  await assert.rejects(migrate({ ...options, ownerPassword: 'wrong-password' }), Failure)
  await assert.rejects(migrate({ ...options, databaseUrl: `${options.databaseUrl}_not` }), Failure)
  const nowhere = `postgres://governance@127.0.0.1:${await freePort()}/governance`
  await assert.rejects(migrate({ ...options, databaseUrl: nowhere }), Failure)
})

test('the program migrates with nothing but its four variables', async (t) => {
  const options = await freshDatabase(t)
  const env = environmentFor(options)
  const { code } = await runProgram(env)
  assert.equal(code, 0)
  assert.equal(await whoAmI(options.databaseUrl, 'audit_service', 'audit-one'), 'audit_service')
})

test('the program names each variable that is missing or wrong, and fails', async (t) => {
  const folder = scratchFolder(t)
  const env = environmentFor({
    folder,
    databaseUrl: 'postgres://governance@127.0.0.1:1/governance',
    ownerPassword,
    servicePasswords: { lineage_service: 'lineage-one', audit_service: 'audit-one' },
  })
  writeFileSync(join(folder, 'empty'), '\n')
  const wrong: Array<[string, string | undefined]> = [
    ...Object.keys(env).map((name): [string, undefined] => [name, undefined]),
    ['DATABASE_URL', 'mysql://root@127.0.0.1/governance'],
    ['DATABASE_URL', 'postgres://governance:secret@127.0.0.1/governance'],
    ['DATABASE_PASSWORD_FILE', join(folder, 'absent')],
    ['AUDIT_DATABASE_PASSWORD_FILE', join(folder, 'empty')],
  ]
  for (const [name, value] of wrong) {
    const { code, errors } = await runProgram({ ...env, [name]: value })
    assert.equal(code, 1, name)
    assert.ok(errors.startsWith(name), errors)
  }
})

function environmentFor(options: MigrateOptions & { folder: string }): Record<string, string> {
  const file = (name: string, secret: string) => {
    const path = join(options.folder, name)
    writeFileSync(path, `${secret}\n`)
    return path
  }
  return {
    DATABASE_URL: options.databaseUrl,
    DATABASE_PASSWORD_FILE: file('owner', options.ownerPassword),
    LINEAGE_DATABASE_PASSWORD_FILE: file('lineage', options.servicePasswords.lineage_service),
    AUDIT_DATABASE_PASSWORD_FILE: file('audit', options.servicePasswords.audit_service),
  }
}

async function runProgram(env: NodeJS.ProcessEnv): Promise<{ code: number; errors: string }> {
  const script = join(import.meta.dirname, '..', 'migrate.ts')
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'close')
  return { code, errors }
}
