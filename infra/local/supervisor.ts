import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { nextDelay } from './backoff.ts'
import type { Unready } from './issuer-fault.ts'
import { beginLog, lastWords, readFrom, sizeOf } from './log-file.ts'
import { commandLine, endProcess } from './processes.ts'
import { readinessAt } from './readiness.ts'

/** A service to keep running. */
export interface Program {
  name: string
  /** Absolute path of the script; the command line that tells our process from others. */
  script: string
  /** Its whole environment. */
  env: Record<string, string>
  cwd: string
  logFile: string
  pidFile: string
  /** Answers 200 when the service is ready. */
  readyUrl: string
  /** Whether it has started although it is not ready: what it waits for is none of ours. */
  isStarted?: (unready: Unready) => boolean
}

export interface Supervised {
  /**
   * Resolves when the first start succeeded, with undefined, or, where it is not ready yet, with what it wrote;
   * rejects with a Failure when it did not.
   */
  ready: Promise<string | undefined>
  /** SIGTERM, after 10 s SIGKILL; no restart any more. Resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL at once. */
  kill(): void
}

const startPatienceMs = 60_000
const stopPatienceMs = 10_000

/** Ends the process that a killed supervisor left, if the pid file names one that runs this script. */
export async function endLeftoverService(
  { name, script, pidFile }: Pick<Program, 'name' | 'script' | 'pidFile'>,
  say: (line: string) => void,
): Promise<void> {
  let pid: number
  try {
    pid = Number(readFileSync(pidFile, 'utf8'))
  } catch {
    return
  }
  const isOurs = (command: string) => command.includes(script)
  if (pid > 1 && isOurs(commandLine(pid))) {
    say(`stopping ${name} left over by an earlier run (process ${pid})`)
    await endProcess(pid, isOurs, [
      ['SIGTERM', stopPatienceMs],
      ['SIGKILL', 2_000],
    ])
  }
  rmSync(pidFile, { force: true })
}

/**
 * Starts a service and starts it again whenever it ends after its first success, with a line each time.
 * It runs in a session of its own: a Ctrl-C in the terminal must not end it before its turn.
 *
 * @throws the error of the file system when its log or pid file cannot be written; then nothing runs
 */
export function supervise(program: Program, say: (line: string) => void): Supervised {
  beginLog(program.logFile)
  const stopping = new AbortController()
  let current = launch(program)
  const ready = firstStart(program, current, stopping.signal)
  const over = ready
    .then(() => keepRunning())
    // Whoever waits for `ready` hears of a failed start.
    .catch(() => {})

  async function keepRunning(): Promise<void> {
    let readySince = Date.now()
    let delay: number | undefined
    for (;;) {
      const how = await current.exited
      if (stopping.signal.aborted) return
      delay = nextDelay(delay, Date.now() - readySince)
      say(`${program.name} ended (${how})${quote(current)}: starting it again in ${delay / 1000} s`)
      await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      readySince = Number.POSITIVE_INFINITY
      try {
        current = launch(program)
      } catch (error) {
        // `current.exited` stays resolved, so the loop waits longer and tries again.
        say(`${program.name} cannot be started: ${(error as Error).message}`)
        continue
      }
      const state = await untilStarted(program, current, stopping.signal)
      if (state !== 'failed') {
        readySince = Date.now()
        say(`${program.name} ${state === 'ready' ? 'is ready' : 'runs'} again`)
      }
    }
  }

  return {
    ready,
    async stop() {
      stopping.abort()
      current.child.kill('SIGTERM')
      const late = setTimeout(() => {
        say(`${program.name} did not stop within ${stopPatienceMs / 1000} s: killed`)
        current.child.kill('SIGKILL')
      }, stopPatienceMs)
      await current.exited
      clearTimeout(late)
      await over
      rmSync(program.pidFile, { force: true })
    },
    kill() {
      stopping.abort()
      current.child.kill('SIGKILL')
    },
  }
}

interface Run {
  child: ChildProcess
  /** How it ended: "exit code 1" or the signal's name. */
  exited: Promise<string>
  /** What it wrote so far. */
  output(): string
}

function launch({ script, env, cwd, logFile, pidFile }: Program): Run {
  for (const file of [logFile, pidFile]) mkdirSync(dirname(file), { recursive: true })
  const from = sizeOf(logFile)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [script], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const exited = once(child, 'exit').then(
    ([code, signal]) => signal ?? `exit code ${code}`,
    (error: Error) => error.message,
  )
  try {
    if (child.pid !== undefined) writeFileSync(pidFile, `${child.pid}\n`)
  } catch (error) {
    // Without the file no later run could find it.
    child.kill('SIGKILL')
    throw error
  }
  return { child, exited, output: () => readFrom(logFile, from) }
}

async function firstStart(
  program: Program,
  run: Run,
  stopping: AbortSignal,
): Promise<string | undefined> {
  const state = await untilStarted(program, run, stopping)
  if (state !== 'failed') return state === 'ready' ? undefined : run.output()
  if (stopping.aborted) throw new Failure(`${program.name} was stopped before it was ready.`)
  const ended = run.child.exitCode !== null || run.child.signalCode !== null
  const what = ended ? `ended at its start (${await run.exited})` : 'is not ready after a minute'
  throw new Failure(`${program.name} ${what}${quote(run)}\nIts log: ${program.logFile}`)
}

/** Failed: it ended, time is up, or we stop. */
async function untilStarted(
  { readyUrl, isStarted }: Program,
  run: Run,
  stopping: AbortSignal,
): Promise<'ready' | 'started' | 'failed'> {
  const began = Date.now()
  const ended = () => run.child.exitCode !== null || run.child.signalCode !== null
  for (let waited = 0; waited < startPatienceMs; waited = Date.now() - began) {
    if (ended() || stopping.aborted || run.child.pid === undefined) break
    const answer = await readinessAt(readyUrl)
    if (answer?.status === 200) return ended() ? 'failed' : 'ready'
    const { missing = [] } = answer ?? {}
    if (isStarted?.({ missing, output: run.output(), waited })) return 'started'
    // A service that answers logs each question, so it is asked less often than a closed port.
    await sleep(answer === undefined ? 25 : 200)
  }
  return 'failed'
}

function quote(run: Run): string {
  const words = lastWords(run.output())
  return words ? `:\n  ${words.replaceAll('\n', '\n  ')}` : ''
}
