import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import { Failure } from './failure.ts'
import { scramVerifier } from './scram.ts'
import { serviceRoles } from './setting-rules.ts'

export interface ServicePasswords {
  lineage_service: string
  audit_service: string
}

export interface MigrateOptions {
  /** `postgres://owner@host:port/database`, without a password. */
  databaseUrl: string
  ownerPassword: string
  servicePasswords: ServicePasswords
  /** Numbered plain SQL files, `0000_init.sql` first. */
  migrationsDir?: string
}

/**
 * Brings the schema up to date and gives the two services their logins: every run sets their passwords
 * anew, so a changed secret works after the next run. All pending files are applied in one transaction.
 * Several runs at once wait for each other.
 *
 * @returns the names of the files applied now, `[]` when the schema was up to date
 * @throws Failure with a sentence for a person
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { databaseUrl, ownerPassword, servicePasswords } = options
  const client = new Client({ connectionString: withPassword(databaseUrl, ownerPassword) })
  // Without a listener of its own a connection lost between two statements ends the process.
  client.on('error', () => {})
  await client.connect().catch((error) => {
    throw new Failure(explainConnection(databaseUrl, error))
  })
  try {
    // The runner takes this lock too (it counts per session) and releases it when the files are done.
    // Ours covers the roles as well: two ALTER ROLE at once fail with "tuple concurrently updated".
    await client.query('SELECT pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID])
    await refuseMightyRoles(client)
    const applied = await applyFiles(
      client,
      options.migrationsDir ?? join(import.meta.dirname, 'migrations'),
    )
    for (const [role, password] of Object.entries(servicePasswords)) {
      await setLogin(client, role, password)
    }
    return applied
  } finally {
    await client.end().catch(() => {})
  }
}

/** Into the address, because pg lets what an address says, even nothing, win over `password`. */
function withPassword(databaseUrl: string, password: string): string {
  const url = new URL(databaseUrl)
  url.password = encodeURIComponent(password)
  return url.href
}

async function applyFiles(client: Client, dir: string): Promise<string[]> {
  const errors: string[] = []
  const logger = {
    info: () => {},
    warn: () => {},
    error: (line: string) => errors.push(line),
  }
  try {
    const applied = await runner({
      dbClient: client,
      dir,
      direction: 'up',
      migrationsTable: 'schema_migrations',
      advisoryLockMode: 'wait',
      singleTransaction: true,
      logger,
    })
    return applied.map(({ name }) => name)
  } catch (error) {
    const { message } = error as Error
    const place = errors.map(firstPlace).find((line) => line !== undefined)
    throw new Failure(
      `A migration in ${dir} failed and nothing of it was kept: ${message}${place ? ` (at: ${place})` : ''}.`,
    )
  }
}

/** The runner reports the statement up to the error, then a line of carets: the line before those. */
function firstPlace(report: string): string | undefined {
  const lines = report.split('\n')
  const carets = lines.findIndex((line) => /^\s*\^{4}/.test(line))
  return carets > 0 ? lines[carets - 1]?.trim() : undefined
}

/** A service that logs in as a superuser could rewrite the log: no such database is used or made. */
async function refuseMightyRoles(client: Client): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles
      WHERE rolname = ANY($1)
        AND (rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication OR rolname = current_user)`,
    [serviceRoles],
  )
  const names = rows.map(({ rolname }) => rolname).join(', ')
  if (names === '') return
  throw new Failure(
    `${names} has the rights of an owner in this database, and a service would log in with them: set POSTGRES_USER to another name and make the database anew, or take the rights away.`,
  )
}

async function setLogin(client: Client, role: string, password: string): Promise<void> {
  // ALTER ROLE takes no parameters.
  const verifier = escapeLiteral(scramVerifier(password))
  const name = escapeIdentifier(role)
  await client.query(`ALTER ROLE ${name} LOGIN PASSWORD ${verifier}`)
  // A login may change settings of its own role, and a new password alone would leave them there.
  await client.query(`ALTER ROLE ${name} RESET ALL`)
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
  const database = escapeIdentifier(rows[0]?.name ?? '')
  await client.query(`ALTER ROLE ${name} IN DATABASE ${database} RESET ALL`)
}

function explainConnection(databaseUrl: string, error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  if (code === '28P01') {
    return `The database at ${databaseUrl} refuses the owner's password: it was made with another. Put the former password back.`
  }
  if (code === '3D000' || code === '28000')
    return `There is no database at ${databaseUrl}, or nobody may enter it yet. If its first start was interrupted, nothing is stored: remove it ("docker compose down -v") and start again. Else create it, or correct the name.`
  return `The database at ${databaseUrl} cannot be reached (${code ?? message}): check that it runs and that the address is right.`
}

const variables = {
  DATABASE_URL: 'the owner’s address, such as postgres://governance@db:5432/governance',
  DATABASE_PASSWORD_FILE: 'the path of a file with the owner’s password',
  LINEAGE_DATABASE_PASSWORD_FILE: 'the path of a file with the password for lineage_service',
  AUDIT_DATABASE_PASSWORD_FILE: 'the path of a file with the password for audit_service',
} as const

type Variable = keyof typeof variables

/** The options that the environment of the one-shot program describes. */
function optionsFrom(env: NodeJS.ProcessEnv): MigrateOptions {
  return {
    databaseUrl: readUrl(env),
    ownerPassword: readPassword(env, 'DATABASE_PASSWORD_FILE'),
    servicePasswords: {
      lineage_service: readPassword(env, 'LINEAGE_DATABASE_PASSWORD_FILE'),
      audit_service: readPassword(env, 'AUDIT_DATABASE_PASSWORD_FILE'),
    },
  }
}

function read(env: NodeJS.ProcessEnv, name: Variable): string {
  const value = env[name]
  if (value) return value
  throw new Failure(`${name} is not set: set it to ${variables[name]}.`)
}

function readUrl(env: NodeJS.ProcessEnv): string {
  const text = read(env, 'DATABASE_URL')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username || url.pathname.length < 2) {
    throw new Failure(
      `DATABASE_URL is not an address of a database: set it to ${variables.DATABASE_URL}.`,
    )
  }
  if (url.password !== '') {
    throw new Failure(
      'DATABASE_URL holds a password: take it out and put it in the file that DATABASE_PASSWORD_FILE names.',
    )
  }
  return text
}

function readPassword(env: NodeJS.ProcessEnv, name: Variable): string {
  const path = read(env, name)
  let password: string
  try {
    password = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(
      `${name} names ${path}, which cannot be read (${code}): set it to ${variables[name]}.`,
    )
  }
  if (/^[\x21-\x7e]{8,200}$/.test(password)) return password
  throw new Failure(
    `${name} names ${path}, which holds no usable password: put 8 to 200 visible ASCII characters on one line there.`,
  )
}

if (import.meta.main) {
  try {
    const applied = await migrate(optionsFrom(process.env))
    console.log(
      applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`,
    )
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    process.exitCode = 1
  }
}
