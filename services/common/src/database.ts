import { readFileSync } from 'node:fs'
import pg from 'pg'
import { EnvironmentError } from './environment.ts'
import { ApiError } from './errors.ts'

export interface DatabaseOptions {
  url: string
  passwordFile: string | undefined
  /** Shown in pg_stat_activity. */
  applicationName: string
  maxConnections: number
  onError: (error: Error) => void
}

/** Why a connection is refused although PostgreSQL accepts it. */
class NotDurableError extends Error {}

/** A query that failed with an SQLSTATE of the server's, to be read by the store that sent it. */
export function sqlState(error: unknown): string | null {
  const cause = error instanceof ApiError ? error.cause : error
  return cause instanceof pg.DatabaseError ? (cause.code ?? null) : null
}

/**
 * True where the data of a statement, not the state of the server, made it fail: classes 22 (data
 * exception), 23 (constraint) and 54 (limit exceeded), PostgreSQL documentation, appendix A.
 */
export function isDataFault(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? '')
}

/**
 * A pool of connections that says in its errors what a caller may do about them:
 * `database_unavailable` (nothing was sent), `database_busy` (nothing was changed), `outcome_unknown`
 * (a change may have been committed), or the server's own error for the store to read.
 */
export class Database {
  readonly #pool: pg.Pool
  #ready: { at: number; result: Promise<string | null> } | null = null

  /** Throws `EnvironmentError` if the password file cannot be read. */
  constructor(options: DatabaseOptions) {
    const { passwordFile } = options
    // A start fails here with a sentence. Later it is read at each connection, so that a rotated password
    // is used without a restart.
    if (passwordFile !== undefined) readPassword(passwordFile)
    this.#pool = new pg.Pool({
      ...connectionFields(options.url),
      ...(passwordFile !== undefined && { password: () => readPassword(passwordFile) }),
      application_name: options.applicationName,
      max: options.maxConnections,
      connectionTimeoutMillis: 2_000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      // The server gives up first, so that its answer says what happened; ours is for a hung server.
      statement_timeout: 8_000,
      query_timeout: 9_000,
      onConnect: assertDurable as (client: pg.ClientBase) => void,
    })
    // A backend that dies while idle; without a listener this would end the process.
    this.#pool.on('error', options.onError)
  }

  /** Runs a statement that changes nothing. */
  read<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return this.#run<Row>(query, 'database_unavailable')
  }

  /** Runs a statement that changes something and is its own transaction. */
  write<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return this.#run<Row>(query, 'outcome_unknown')
  }

  /** Null when a query succeeds, else a word for what is missing. Asked at most once a second. */
  missing(): Promise<string | null> {
    const now = Date.now()
    if (!this.#ready || now - this.#ready.at > 1_000) {
      const result = this.read({ text: 'SELECT 1' }).then(
        () => null,
        () => 'database',
      )
      this.#ready = { at: now, result }
    }
    return this.#ready.result
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #run<Row extends pg.QueryResultRow>(
    query: pg.QueryConfig,
    whenLost: 'database_unavailable' | 'outcome_unknown',
  ): Promise<Row[]> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw new ApiError('database_unavailable', undefined, { cause })
    })
    // A client that is checked out is not covered by the pool's own error listener.
    const onError = (): void => {}
    client.on('error', onError)
    try {
      const result = await client.query<Row>(query)
      client.off('error', onError)
      client.release()
      return result.rows
    } catch (cause) {
      const state = sqlState(cause)
      const lost = state === null || /^(08|57P)/.test(state)
      // The listener stays on a client that is thrown away: it may still report its end.
      if (!lost) client.off('error', onError)
      client.release(lost)
      if (lost) throw new ApiError(whenLost, undefined, { cause })
      if (state === '55P03' || state === '57014') {
        throw new ApiError('database_busy', undefined, { cause })
      }
      throw cause
    }
  }
}

/** The parts of a URL. Given as `connectionString`, its missing password would override `password`. */
function connectionFields(url: string): pg.PoolConfig {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: decodeURIComponent(hostname),
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    database: decodeURIComponent(pathname.slice(1)),
    ...(password && { password: decodeURIComponent(password) }),
  }
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch {
    throw new EnvironmentError([
      'DATABASE_PASSWORD_FILE names a file that cannot be read: check the path and that this user may read it.',
    ])
  }
}

/** An answer after COMMIT is worth nothing if the server does not flush: such a server is refused. */
async function assertDurable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ fsync: string; full_page_writes: string; commit: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
            current_setting('synchronous_commit') AS commit`,
  )
  const setting = rows[0]
  if (
    setting?.fsync !== 'on' ||
    setting.full_page_writes !== 'on' ||
    !['on', 'remote_apply'].includes(setting.commit)
  ) {
    throw new NotDurableError(
      'the database must run with fsync=on, full_page_writes=on and synchronous_commit=on',
    )
  }
}
