import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ApiError, type ErrorCode } from '../errors.ts'
import { type ConnectionSource, connectionOf } from './connection.ts'

export interface DatabaseOptions extends ConnectionSource {
  /** Shown in pg_stat_activity. */
  applicationName: string
  /** Hears of idle connections that are lost, and once of each reason for which `missing` finds no database. */
  onError: (error: Error) => void
}

/**
 * Connections for changes and probes, apart from them for reads, because slow reads must not hold up appends,
 * and one for whoever holds a lock of a session.
 */
const CONNECTIONS = { write: 4, read: 8, session: 1 }
/**
 * Milliseconds. The server gives up first, so that its answer says what happened; `query` is for a server
 * that hangs. `probe` keeps readiness quicker than any query. A statement may wait for two locks, one after the other.
 */
const LIMITS = { connect: 2_000, lock: 1_400, statement: 8_000, query: 9_000, probe: 2_000 }

const SESSION =
  '-c search_path=public -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off -c client_min_messages=warning'

/** How many connections are in use, how many are not, and how many callers wait for one. */
export interface PoolState {
  used: number
  idle: number
  waiting: number
}

function stateOf({ totalCount, idleCount, waitingCount }: pg.Pool): PoolState {
  return { used: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

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
  readonly #sessions: pg.Pool
  readonly #onError: (error: Error) => void
  #probe: Promise<boolean> | null = null
  #lastReason = ''
  #probedAt = Number.NEGATIVE_INFINITY

  /** Throws `EnvironmentError` if the file of the password or of the authority cannot be read. */
  constructor(options: DatabaseOptions) {
    this.#onError = options.onError
    const connection = connectionOf(options)
    const poolOf = (max: number) => {
      const pool = new pg.Pool({
        ...connection,
        application_name: options.applicationName,
        max,
        connectionTimeoutMillis: LIMITS.connect,
        idleTimeoutMillis: 60_000,
        keepAlive: true,
        // Said with each connection, because a login may change the defaults of its own role.
        options: SESSION,
        lock_timeout: LIMITS.lock,
        statement_timeout: LIMITS.statement,
        query_timeout: LIMITS.query,
        onConnect: assertUsable as (client: pg.ClientBase) => void,
      })
      // A backend that dies while idle; without a listener this would end the process.
      pool.on('error', options.onError)
      return pool
    }
    this.#writes = poolOf(CONNECTIONS.write)
    this.#reads = poolOf(CONNECTIONS.read)
    this.#sessions = poolOf(CONNECTIONS.session)
  }

  /** Runs a statement that changes nothing. */
  read<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return run<Row>(this.#reads, query, 'database_unavailable')
  }

  /** Runs a statement that changes something and is its own transaction. */
  write<Row extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<Row[]> {
    return run<Row>(this.#writes, query, 'outcome_unknown')
  }

  /**
   * Runs `work` on one connection while it holds the session lock `lock` (pg_advisory_lock), which the server
   * frees if this process dies. For statements that change nothing. Waits at most 1.4 s for the lock.
   */
  async locked<Result>(lock: string, work: (read: Read) => Promise<Result>): Promise<Result> {
    const client = await checkOut(this.#sessions)
    // Also between two statements, while `work` does other things, its end must not end the process.
    const onError = (): void => {}
    client.on('error', onError)
    const read: Read = (query) => send(client, query, 'database_unavailable')
    try {
      await read({ name: 'session_lock', text: 'SELECT pg_advisory_lock($1)', values: [lock] })
      const result = await work(read)
      await read({ name: 'session_unlock', text: 'SELECT pg_advisory_unlock($1)', values: [lock] })
      client.off('error', onError)
      client.release()
      return result
    } catch (error) {
      // Whatever happened: a connection that is closed holds no lock.
      client.release(true)
      throw error
    }
  }

  /** What a service cannot do without and does not have: `['database']` or nothing, within 2 s. */
  async missing(): Promise<string[]> {
    // A probe that hangs is not joined by another, which would only take one more connection.
    if (this.#probe === null && performance.now() - this.#probedAt > 1_000) this.#startProbe()
    const answered = await Promise.race([
      this.#probe ?? true,
      sleep(LIMITS.probe, false, { ref: false }),
    ])
    return answered ? [] : ['database']
  }

  /** Connections of each pool by state, and how many wait for one. */
  connections(): Record<'write' | 'read' | 'session', PoolState> {
    return {
      write: stateOf(this.#writes),
      read: stateOf(this.#reads),
      session: stateOf(this.#sessions),
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#writes.end(), this.#reads.end(), this.#sessions.end()])
  }

  #startProbe(): void {
    const query = { text: `SELECT current_setting('transaction_read_only') = 'off' AS can_write` }
    const probe = run<{ can_write: boolean }>(this.#writes, query, 'database_unavailable').then(
      ([row]) => {
        if (row?.can_write) this.#probedAt = performance.now()
        this.#lastReason = ''
        return row?.can_write === true
      },
      (error: Error) => {
        const reason = error.cause instanceof Error ? error.cause : error
        if (reason.message !== this.#lastReason) this.#onError(reason)
        this.#lastReason = reason.message
        return false
      },
    )
    this.#probe = probe
    void probe.then(() => {
      this.#probe = null
    })
  }
}

/**
 * The SQLSTATE of plain warnings. Our functions raise none. PostgreSQL gives one with a COMMIT that somebody cancelled
 * while it waited for a synchronous standby: it stands here, and is lost with this server (18, section 26.2.8).
 */
const COMMIT_WARNING = '01000'

/** Runs a statement that changes nothing, on a connection that `locked` holds. */
export type Read = <Row extends pg.QueryResultRow>(query: pg.QueryConfig) => Promise<Row[]>

async function run<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: pg.QueryConfig,
  whenLost: 'database_unavailable' | 'outcome_unknown',
): Promise<Row[]> {
  const client = await checkOut(pool)
  try {
    const rows = await send<Row>(client, query, whenLost)
    client.release()
    return rows
  } catch (error) {
    const state = sqlState(error)
    // A read-only server was a standby by mistake or has become one: the next connection may find another.
    client.release(serverFault(state) === 'lost' || state === '25006')
    throw error
  }
}

async function checkOut(pool: pg.Pool): Promise<pg.PoolClient> {
  return pool.connect().catch((cause: Error) => {
    // pg-pool's words where all connections were in use for too long; anything else is no connection.
    const isWaiting = cause.message.startsWith('timeout exceeded when trying to connect')
    const code = isWaiting ? 'database_busy' : 'database_unavailable'
    throw new ApiError(code, undefined, { cause })
  })
}

async function send<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  query: pg.QueryConfig,
  whenLost: 'database_unavailable' | 'outcome_unknown',
): Promise<Row[]> {
  // A client that is checked out is not covered by the pool's own error listener.
  const onError = (): void => {}
  client.on('error', onError)
  let warning: string | undefined
  const onNotice = (notice: { code: string | undefined; message: string | undefined }): void => {
    if (notice.code === COMMIT_WARNING) warning = notice.message
  }
  client.on('notice', onNotice)
  try {
    const { rows } = await client.query<Row>(query)
    if (warning !== undefined && whenLost === 'outcome_unknown') throw new Error(warning)
    client.off('error', onError)
    return rows
  } catch (cause) {
    const code = serverFault(sqlState(cause))
    // The listener stays on a client that is thrown away: it may still report its end.
    if (code !== 'lost') client.off('error', onError)
    if (code === null) throw cause
    throw new ApiError(code === 'lost' ? whenLost : code, undefined, { cause })
  } finally {
    client.off('notice', onNotice)
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
  // 42883, 42P01, 42703: a function, table or column is not there, as for a replica in the midst of an upgrade.
  if (/^(53|58)|^25006$|^42(883|P01|703)$/.test(state)) return 'database_unavailable'
  // 40: serialization, deadlock. 55P03: lock_timeout. 57014: statement_timeout.
  return /^(40|55P03$|57014$)/.test(state) ? 'database_busy' : null
}

/**
 * An answer after COMMIT is worth nothing if the server does not flush, and what a standby holds may be behind what was
 * acknowledged, or never come to be: such servers are refused, also for reads. A standby that is promoted is found by
 * the next connection, and a server that takes changes becomes a standby by a restart alone, which ends them all.
 */
async function assertUsable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<Record<'fsync' | 'pages' | 'commit' | 'standby', string>>(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
            current_setting('synchronous_commit') AS commit, pg_is_in_recovery()::text AS standby`,
  )
  const setting = rows[0]
  if (setting?.standby !== 'false') {
    throw new Error(
      'DATABASE_URL leads to a standby: let it lead to the primary, or promote the standby; see docs/OPERATIONS.md, "A standby and its promotion"',
    )
  }
  const isFlushed = setting.fsync === 'on' && setting.pages === 'on'
  if (!isFlushed || !['on', 'remote_apply'].includes(setting.commit)) {
    throw new Error(
      'the database must run with fsync=on, full_page_writes=on and synchronous_commit=on',
    )
  }
}
