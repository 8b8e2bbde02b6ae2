import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { ensureDatabase } from '../local/owner-database.ts'
import { freePort } from '../local/ports.ts'
import { type PostgresOptions, startPostgres } from '../local/postgres.ts'
import { commandLine, signal } from '../local/processes.ts'
import { migrate } from '../migrate.ts'

/** A migrated PostgreSQL of the drills' own, which may be killed. */
export interface DatabaseServer {
  /** `postgres://…` with password: a superuser. */
  ownerUrl: string
  /** The login of mcp-audit. */
  auditUrl: string
  /** The login of mcp-lineage. */
  lineageUrl: string
  dataDir: string
  /** What PostgreSQL writes on its output. */
  logFile: string
  /** SIGKILL of every process of the server. */
  kill(): Promise<void>
  /** Starts it after `kill` or `stop`, and resolves when it accepts connections. */
  start(): Promise<void>
  /** An orderly end; nothing if it does not run. */
  stop(): Promise<void>
}

/** The same server, another database. */
export function databaseOf(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

/** Starts a server with its log in `folder`, and its data too where no other folder is named for them. */
export async function startServer(
  folder: string,
  dataDir = join(folder, 'postgres'),
): Promise<DatabaseServer> {
  const options = {
    dataDir,
    logFile: join(folder, 'postgres.log'),
    port: await freePort(),
    owner: OWNER,
  }
  const server = await openServer(options)
  const at = `127.0.0.1:${options.port}`
  await ensureDatabase(`postgres://governance:owner@${at}/postgres`, 'governance')
  await migrate({
    databaseUrl: `postgres://governance@${at}/governance`,
    ownerPassword: 'owner',
    servicePasswords: { lineage_service: 'lineage', audit_service: 'audit' },
  })
  return server
}

/** The superuser of all servers of the drills. */
export const OWNER = { user: 'governance', password: 'owner' }

/** How the owner and the services connect to a server of the drills at this port. */
export function urlsAt(port: number): Pick<DatabaseServer, 'ownerUrl' | 'auditUrl' | 'lineageUrl'> {
  const at = `127.0.0.1:${port}/governance`
  return {
    ownerUrl: `postgres://governance:owner@${at}`,
    auditUrl: `postgres://audit_service:audit@${at}`,
    lineageUrl: `postgres://lineage_service:lineage@${at}`,
  }
}

/** Starts a server over a folder as it is, a standby's too. */
export async function openServer(options: PostgresOptions): Promise<DatabaseServer> {
  let postgres: Awaited<ReturnType<typeof startPostgres>> | null = await startPostgres(options)
  return {
    ...urlsAt(options.port),
    dataDir: options.dataDir,
    logFile: options.logFile,
    async kill() {
      if (!postgres) return
      const { pid, exited } = postgres
      postgres = null
      await killAll(pid, exited)
    },
    async start() {
      postgres = await startPostgres(options)
    },
    async stop() {
      await postgres?.stop()
      postgres = null
    },
  }
}

/** Ends the first process, so that no other is made, and then those that it had made. */
async function killAll(pid: number, exited: Promise<void>): Promise<void> {
  const children = childrenOf(pid)
  process.kill(pid, 'SIGKILL')
  for (const child of children) signal(child, 'SIGKILL')
  await exited
  // Their memory is in use until the last of them is gone.
  while (children.some((child) => commandLine(child) !== '')) await sleep(5)
}

/** Where there is no /proc none is found: they notice by themselves that the first process is gone. */
function childrenOf(pid: number): number[] {
  const parentOf = (id: string) => {
    try {
      // proc_pid_stat(5): the name of the program, in brackets, may hold anything; the parent is two fields behind it.
      return Number(
        readFileSync(`/proc/${id}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[1],
      )
    } catch {
      return 0
    }
  }
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id) && parentOf(id) === pid)
    .map(Number)
}

/** Runs `work` with a connection of the owner's, and ends it. */
export async function asOwner<Result>(
  ownerUrl: string,
  work: (owner: Client) => Promise<Result>,
): Promise<Result> {
  const owner = new Client({ connectionString: ownerUrl })
  // A server that is killed meanwhile fails the query; without a listener it would end this process too.
  owner.on('error', () => {})
  await owner.connect()
  try {
    return await work(owner)
  } finally {
    await owner.end()
  }
}
