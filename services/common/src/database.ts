import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { parseIntoClientConfig } from 'pg-connection-string'
import { EnvironmentError } from './environment.ts'
import { ApiError, type ErrorCode } from './errors.ts'

export interface DatabaseOptions {
  url: string
  passwordFile: string | undefined
  /** Shown in pg_stat_activity. */
  applicationName: string
  onError: (error: Error) => void
}

/** Connections for changes and probes, and apart from them for reads: slow reads must not hold up appends. */
const CONNECTIONS = { write: 4, read: 8 }
/**
 * Milliseconds. The server gives up first, so that its answer says what happened; `query` is for a server
 * that hangs. `probe` keeps readiness quicker than any query.
 */
const LIMITS = { connect: 2_000, lock: 2_000, statement: 8_000, query: 9_000, probe: 2_000 }

/** The SQLSTATE of a query that the server refused, for the store that sent it; else null. */
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
 * Connections that say in their errors what a caller may do about them: `database_unavailable` and
 * `database_busy` (nothing was changed), `outcome_unknown` (a change may have been committed), or the
 * server's own error for the store to read.
 */
export class Database {
  readonly #writes: pg.Pool
  readonly #reads: pg.Pool
  #probe: Promise<boolean> | null = null
  #probedAt = 0

  /** Throws `EnvironmentError` if the password file cannot be read. */
  constructor(options: DatabaseOptions) {
    const { passwordFile } = options
    // A start fails here with a sentence. Later it is read at each connection, so that a rotated password
    // is used without a restart.
    if (passwordFile !== undefined) readPassword(passwordFile)
    const [writes, reads] = [CONNECTIONS.write, CONNECTIONS.read].map((max) => {
      const pool = new pg.Pool({
        // Fields, because a `connectionString` without a password would override `password`.
        ...parseIntoClientConfig(options.url),
        ...(passwordFile !== undefined && { password: () => readPassword(passwordFile) }),
        application_name: options.applicationName,
        max,
        connectionTimeoutMillis: LIMITS.connect,
        idleTimeoutMillis: 60_000,
        keepAlive: true,
        // Said with each connection, because a login may change the defaults of its own role.
        options:
          '-c search_path=public -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off',
        lock_timeout: LIMITS.lock,
        statement_timeout: LIMITS.statement,
        query_timeout: LIMITS.query,
        onConnect: assertDurable as (client: pg.ClientBase) => void,
      })
      // A backend that dies while idle; without a listener this would end the process.
      pool.on('error', options.onError)
      return pool
    })
    this.#writes = writes as pg.Pool
    this.#reads = reads as pg.Pool
  }

  /** Runs a statement that changes nothing. */
  read<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return run<Row>(this.#reads, query, 'database_unavailable')
  }

  /** Runs a statement that changes something and is its own transaction. */
  write<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return run<Row>(this.#writes, query, 'outcome_unknown')
  }

  /** What a service cannot do without and does not have: `['database']` or nothing, within 2 s. */
  async missing(): Promise<string[]> {
    // A probe that hangs is not joined by another, which would only take one more connection.
    if (this.#probe === null && Date.now() - this.#probedAt > 1_000) this.#startProbe()
    const answered = await Promise.race([
      this.#probe ?? true,
      sleep(LIMITS.probe, false, { ref: false }),
    ])
    return answered ? [] : ['database']
  }

  async close(): Promise<void> {
    await Promise.all([this.#writes.end(), this.#reads.end()])
  }

  #startProbe(): void {
    const query = { text: `SELECT current_setting('transaction_read_only') = 'off' AS can_write` }
    const probe = run<{ can_write: boolean }>(this.#writes, query, 'database_unavailable').then(
      ([row]) => {
        if (row?.can_write) this.#probedAt = Date.now()
        return row?.can_write === true
      },
      () => false,
    )
    this.#probe = probe
    void probe.then(() => {
      this.#probe = null
    })
  }
}

async function run<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: pg.QueryConfig,
  whenLost: 'database_unavailable' | 'outcome_unknown',
): Promise<Row[]> {
  const client = await pool.connect().catch((cause: Error) => {
    // pg-pool's words where all connections were in use for too long; anything else is no connection.
    const isWaiting = cause.message.startsWith('timeout exceeded when trying to connect')
    const code = isWaiting ? 'database_busy' : 'database_unavailable'
    throw new ApiError(code, undefined, { cause })
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
    const code = serverFault(sqlState(cause))
    const isLost = code === 'lost'
    // A read-only server was a standby by mistake or has become one: the next connection may find another.
    const isUseless = isLost || sqlState(cause) === '25006'
    // The listener stays on a client that is thrown away: it may still report its end.
    if (!isUseless) client.off('error', onError)
    client.release(isUseless)
    if (code === null) throw cause
    throw new ApiError(isLost ? whenLost : code, undefined, { cause })
  }
}

/**
 * What a failed query says about the server, by SQLSTATE (PostgreSQL documentation, appendix A); null
 * where it says something about the query, which the store has to read.
 */
function serverFault(state: string | null): ErrorCode | 'lost' | null {
  // No SQLSTATE: the connection broke or the server hangs. 08: connection. 57P: shutdown.
  if (state === null || /^(08|57P)/.test(state)) return 'lost'
  // 53: disk full, out of memory, too many connections. 58: I/O. 25006: read-only, as after a failover.
  if (/^(53|58)|^25006$/.test(state)) return 'database_unavailable'
  // 40: serialization, deadlock. 55P03: lock_timeout. 57014: statement_timeout.
  return /^(40|55P03$|57014$)/.test(state) ? 'database_busy' : null
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
    throw new Error(
      'the database must run with fsync=on, full_page_writes=on and synchronous_commit=on',
    )
  }
}
