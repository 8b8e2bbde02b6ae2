import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { migrate } from '../migrate.ts'
import { nextDelay } from './backoff.ts'
import { readText } from './file-fault.ts'
import { beginLog } from './log-file.ts'
import { ensureDatabase } from './owner-database.ts'
import { freePort, isFree } from './ports.ts'
import { endLeftover, type Postgres, type PostgresOptions, startPostgres } from './postgres.ts'
import { readSecret, type Secrets } from './secrets.ts'
import type { Settings } from './settings.ts'

/** What the database in `.data` was made with; noted beside it once it is made. */
interface Identity {
  port: number
  user: string
  database: string
}

export const noteOf = (data: string) => join(data, 'database.json')

export interface DatabaseServer {
  port: number
  stop(): Promise<void>
}

/**
 * Starts the database of the local stack, makes it on first use, brings its schema up to date and starts
 * it again, visibly, whenever it ends. It keeps its port from run to run unless somebody took it.
 */
export async function startDatabase(
  data: string,
  settings: Settings,
  secrets: Secrets,
  say: (line: string) => void,
): Promise<DatabaseServer> {
  const dataDir = join(data, 'postgres')
  const logFile = join(data, 'logs', 'postgres.log')
  await endLeftover(dataDir, say)
  const note = noteOf(data)
  const noted = existsSync(note) ? parse(note) : undefined
  const identity = await settle(noted, settings, say)
  beginLog(logFile)
  const owner = { user: identity.user, password: readSecret(secrets.owner) }
  const options = { dataDir, logFile, port: identity.port, owner, say }
  const server = keepRunning(await startPostgres(options), options)
  try {
    // Not before the database is made: a note without a database says that one was lost.
    if (identity !== noted) writeFileSync(note, `${JSON.stringify(identity)}\n`)
    await prepare(identity, owner.password, secrets, say)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

async function prepare(
  { port, user, database }: Identity,
  password: string,
  secrets: Secrets,
  say: (line: string) => void,
): Promise<void> {
  // The server speaks no TLS, whatever PGSSLMODE the shell has.
  const at = `127.0.0.1:${port}`
  const plain = 'sslmode=disable'
  const url = `postgres://${user}@${at}/${database}?${plain}`
  await ensureDatabase(
    `postgres://${user}:${encodeURIComponent(password)}@${at}/postgres?${plain}`,
    database,
  ).catch((error) => {
    if (error.code !== '28P01') throw error
    throw new Failure(
      `The database refuses the password in ${secrets.owner}: that file is not the one it was made with. ` +
        'Put the former file back, or move .data away to start with an empty database.',
    )
  })
  const applied = await migrate({
    databaseUrl: url,
    ownerPassword: password,
    servicePasswords: {
      lineage_service: readSecret(secrets.lineageService),
      audit_service: readSecret(secrets.auditService),
    },
  })
  say(applied.length === 0 ? 'schema is up to date' : `schema: applied ${applied.join(', ')}`)
}

/** The identity of the existing database, or of the one to be made, with a port that is free now. */
async function settle(
  kept: Identity | undefined,
  settings: Settings,
  say: (line: string) => void,
): Promise<Identity> {
  const wanted = { user: settings.postgresUser, database: settings.postgresDatabase }
  if (kept && (kept.user !== wanted.user || kept.database !== wanted.database)) {
    throw new Failure(
      `The database in .data was made with POSTGRES_USER=${kept.user} and POSTGRES_DB=${kept.database}: put these back in .env, or move .data away to start with an empty database.`,
    )
  }
  if (kept && (await isFree(kept.port))) return kept
  const identity = { port: await freePort(), ...wanted }
  if (kept) say(`PostgreSQL moves to port ${identity.port}: another program took ${kept.port}`)
  return identity
}

function parse(file: string): Identity {
  const text = readText(file)
  try {
    const { port, user, database } = JSON.parse(text)
    if (Number.isInteger(port) && typeof user === 'string' && typeof database === 'string') {
      return { port, user, database }
    }
  } catch {
    // Falls through to the sentence.
  }
  throw new Failure(`${file} is damaged: remove it (a new one is made), then start again.`)
}

function keepRunning(first: Postgres, options: PostgresOptions): DatabaseServer {
  const say = options.say ?? (() => {})
  const stopping = new AbortController()
  let current = first

  async function watch(): Promise<void> {
    let readySince = Date.now()
    let delay: number | undefined
    for (;;) {
      await current.exited
      if (stopping.signal.aborted) return
      delay = nextDelay(delay, Date.now() - readySince)
      say(`PostgreSQL ended: starting it again in ${delay / 1000} s (log: ${options.logFile})`)
      await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      try {
        current = await startPostgres(options)
        readySince = Date.now()
        say('PostgreSQL is ready again')
      } catch (error) {
        // `current.exited` stays resolved, so the loop waits longer and tries again.
        readySince = Number.POSITIVE_INFINITY
        say((error as Error).message)
      }
    }
  }

  const over = watch()
  return {
    port: options.port,
    async stop() {
      stopping.abort()
      await current.stop()
      // A start that was under way when we were told to stop has a server of its own by now.
      await over
      await current.stop()
    },
  }
}
