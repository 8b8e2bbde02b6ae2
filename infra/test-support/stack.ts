import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../local/ports.ts'

const root = join(import.meta.dirname, '..', '..')

/** One service as a process of its own. */
export interface ServiceProcess {
  url: string
  /** Its process id while it runs. */
  pid(): number | undefined
  /** All that it has logged so far, as text. */
  log(): string
  /** Ends it with a signal and resolves with its exit code, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>
  /** Starts it again on the same port, and resolves when it answers. */
  start(): Promise<void>
}

export interface Stack {
  gateway: ServiceProcess
  lineage: ServiceProcess
  policy: ServiceProcess
  audit: ServiceProcess
  /** A second mcp-audit over the same database, reached directly. */
  otherAudit: ServiceProcess
  stop(): Promise<void>
}

/** The real services as real processes over a given database, on free ports. */
export async function startStack(database: {
  auditUrl: string
  lineageUrl: string
}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-stack-'))
  const prepare = async (name: string, env: Record<string, string>, as = name) =>
    service(name, await freePort(), env, join(folder, `${as}.log`))
  const audit = await prepare('mcp-audit', { DATABASE_URL: database.auditUrl })
  const otherAudit = await prepare('mcp-audit', { DATABASE_URL: database.auditUrl }, 'other-audit')
  const lineage = await prepare('mcp-lineage', { DATABASE_URL: database.lineageUrl })
  const policy = await prepare('mcp-policy', { POLICIES_DIR: join(root, 'policies') })
  const gateway = await prepare('mcp-gateway', {
    MCP_DIRECTORY: JSON.stringify({
      'mcp-lineage': lineage.url,
      'mcp-policy': policy.url,
      'mcp-audit': audit.url,
    }),
  })
  const all = [gateway, lineage, policy, audit, otherAudit]
  const stop = async () => {
    await Promise.all(all.map((one) => one.end('SIGTERM')))
    rmSync(folder, { recursive: true })
  }
  try {
    await Promise.all(all.map((one) => one.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { gateway, lineage, policy, audit, otherAudit, stop }
}

function service(
  name: string,
  port: number,
  env: Record<string, string>,
  logFile: string,
): ServiceProcess {
  const script = join(root, 'services', name, 'src', 'main.ts')
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  return {
    url,
    pid: () => child?.pid,
    log: () => readFileSync(logFile, 'utf8'),
    async start() {
      const log = openSync(logFile, 'a')
      const options = { PORT: String(port), LOG_LEVEL: 'info', ...env }
      child = spawn(process.execPath, [script], { env: options, stdio: ['ignore', log, log] })
      closeSync(log)
      while (!(await answers(`${url}/healthz`))) {
        if (child.exitCode !== null)
          throw new Error(`${name} ended:\n${readFileSync(logFile, 'utf8')}`)
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
