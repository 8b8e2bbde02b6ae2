// Runs the tests against a real PostgreSQL that lives as long as the run.
//
//   npm test                         every test file
//   npm test -- <file or pattern>    some of them; options of `node --test` go here too
//
// Exit codes: that of `node --test`; 1 when PostgreSQL or the migrations failed; 128 + n after a signal.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { ensureDatabase } from '../local/owner-database.ts'
import { freePort } from '../local/ports.ts'
import { startPostgres } from '../local/postgres.ts'
import { migrate } from '../migrate.ts'
import { removeAbandoned } from './abandoned.ts'
import { type TestServer, writeServer } from './server-variable.ts'

const root = join(import.meta.dirname, '..', '..')
const everything = [
  'services/*/test/**/*.test.ts',
  'clients/typescript/test/**/*.test.ts',
  'infra/test/*.test.ts',
  'bench/test/*.test.ts',
]
/** Node's own choice, cores less one, is a single file where there are two, and many files mostly wait for processes. */
const files = `--test-concurrency=${Math.max(3, availableParallelism() - 1)}`
const secret = () => randomBytes(24).toString('base64url')

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(name))
}

async function main(args: string[]): Promise<number> {
  await removeAbandoned(tmpdir())
  // The process id in the name lets a later run recognise what a killed one left behind.
  const folder = mkdtempSync(join(tmpdir(), `governance-test-${process.pid}-`))
  // Started by root, PostgreSQL runs as another user, who has to get at its own folder below.
  chmodSync(folder, 0o711)
  const server: TestServer = {
    port: await freePort(),
    owner: 'governance',
    ownerPassword: secret(),
    lineagePassword: secret(),
    auditPassword: secret(),
    template: 'governance_template',
  }
  try {
    const postgres = await startPostgres({
      dataDir: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      port: server.port,
      owner: { user: server.owner, password: server.ownerPassword },
      say: (line) => console.error(line),
    })
    try {
      await prepareTemplate(server)
      // Of this run alone: tests run copies of the sources too, which would pile up in a folder that stays.
      const variables = { ...writeServer(server), NODE_COMPILE_CACHE: join(folder, 'compiled') }
      return stopping.signal.aborted ? interrupted() : await runTests(args, variables)
    } finally {
      await postgres.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prepareTemplate({ port, owner, template, ...passwords }: TestServer): Promise<void> {
  const at = `127.0.0.1:${port}`
  await ensureDatabase(`postgres://${owner}:${passwords.ownerPassword}@${at}/postgres`, template)
  await migrate({
    databaseUrl: `postgres://${owner}@${at}/${template}`,
    ownerPassword: passwords.ownerPassword,
    servicePasswords: {
      lineage_service: passwords.lineagePassword,
      audit_service: passwords.auditPassword,
    },
  })
}

async function runTests(args: string[], variables: Record<string, string>): Promise<number> {
  const chosen = args.some((arg) => !arg.startsWith('-')) ? args : [...args, ...everything]
  // A group of its own: Ctrl-C goes to the tests once, through us, and never to half of their children.
  const child = spawn(
    process.execPath,
    ['--test', '--test-reporter=spec', '--test-timeout=120000', files, ...chosen],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { ...process.env, ...variables },
    },
  )
  // Told to end, the runner reports every file that has not run as failed; nobody wants to read that.
  const end = () => child.pid && process.kill(-child.pid, 'SIGKILL')
  stopping.signal.addEventListener('abort', end)
  const [code] = await once(child, 'exit')
  stopping.signal.removeEventListener('abort', end)
  return stopping.signal.aborted ? interrupted() : (code ?? 1)
}

function interrupted(): number {
  console.error('interrupted')
  return 128 + constants.signals[stopping.signal.reason as NodeJS.Signals]
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Failure ? error.message : error)
  process.exitCode = 1
}
