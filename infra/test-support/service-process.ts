import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileCache } from './compile-cache.ts'

const root = join(import.meta.dirname, '..', '..')

/** One service as a process of its own. */
export interface ServiceProcess {
  url: string
  /** Where its metrics are. */
  metricsUrl: string
  /** Its process id while it runs. */
  pid(): number | undefined
  /** All that it has logged so far, as text. */
  log(): string
  /** Where that is, for a log that is too large for one text. */
  logFile: string
  /** Ends it with a signal and resolves with its exit code, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>
  /** Starts it again on the same port, and resolves when it answers. */
  start(): Promise<void>
}

export interface ServiceOptions {
  /** The folder under `services`. */
  name: string
  port: number
  /** Left out: it shows no metrics. */
  metricsPort?: number
  /** Its whole environment, but for the port and the log level. */
  env: Record<string, string>
  /** Its output is appended here. */
  logFile: string
  /** Options of Node itself. */
  nodeArgs?: readonly string[] | undefined
}

/** A service on 127.0.0.1, or the HOST in its environment, that is not started yet. */
export function serviceProcess(options: ServiceOptions): ServiceProcess {
  const { name, port, metricsPort, env, logFile, nodeArgs = [] } = options
  const script = join(root, 'services', name, 'src', 'main.ts')
  const { HOST: host = '127.0.0.1' } = env
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  let child: ChildProcess | undefined
  return {
    url,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    pid: () => child?.pid,
    log,
    logFile,
    async start() {
      const out = openSync(logFile, 'a')
      const variables = {
        PORT: String(port),
        ...(metricsPort !== undefined && { METRICS_PORT: String(metricsPort) }),
        LOG_LEVEL: 'info',
        ...compileCache(),
        ...env,
      }
      child = spawn(process.execPath, [...nodeArgs, script], {
        env: variables,
        stdio: ['ignore', out, out],
      })
      closeSync(out)
      while (!(await answers(`${url}/healthz`))) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} ended:\n${log()}`)
        await sleep(20)
      }
    },
    async end(signal) {
      if (!child || child.exitCode !== null || child.signalCode !== null)
        return child?.exitCode ?? signal
      child.kill(signal)
      const [code, by] = await once(child, 'exit')
      return code ?? by
    },
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}
