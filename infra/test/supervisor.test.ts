import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { freePort } from '../local/ports.ts'
import { commandLine } from '../local/processes.ts'
import { endLeftoverService, type Program, supervise } from '../local/supervisor.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const service = `
  import { createServer } from 'node:http'
  import { appendFileSync } from 'node:fs'
  createServer((_, response) => response.end()).listen(Number(process.env.PORT), '127.0.0.1')
  process.on('SIGTERM', () => {
    appendFileSync(process.env.DIARY, process.env.NAME + ' stopped\\n')
    process.exit(0)
  })
`

async function programIn(folder: string, name: string, source = service): Promise<Program> {
  const port = await freePort()
  const script = join(folder, `${name}.mjs`)
  writeFileSync(script, source)
  return {
    name,
    script,
    cwd: folder,
    env: { PORT: String(port), NAME: name, DIARY: join(folder, 'diary') },
    logFile: join(folder, 'logs', `${name}.log`),
    pidFile: join(folder, 'run', `${name}.pid`),
    readyUrl: `http://127.0.0.1:${port}/readyz`,
  }
}

const pidOf = ({ pidFile }: Program) => Number(readFileSync(pidFile, 'utf8'))

/** Collects what a person is told, and resolves when a line of it matches. */
function audience() {
  const lines: string[] = []
  const waiting: Array<{ pattern: RegExp; resolve: () => void }> = []
  const say = (line: string) => {
    lines.push(line)
    for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve()
  }
  const heard = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      if (lines.some((line) => pattern.test(line))) resolve()
      else waiting.push({ pattern, resolve })
    })
  return { say, heard, lines }
}

function started(t: TestContext, program: Program, say: (line: string) => void = () => {}) {
  const supervised = supervise(program, say)
  t.after(() => supervised.stop())
  return supervised
}

test('a service is ready when it answers, and is gone after the stop', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  const supervised = started(t, program)
  await supervised.ready
  const pid = pidOf(program)
  assert.ok(commandLine(pid).includes(program.script))
  await supervised.stop()
  assert.equal(commandLine(pid), '')
  assert.equal(existsSync(program.pidFile), false)
})

test('a service that dies is started again, and both are said', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  const { say, heard } = audience()
  await started(t, program, say).ready
  const first = pidOf(program)
  process.kill(first, 'SIGKILL')
  await heard(/^alpha ended \(SIGKILL\)/)
  await heard(/^alpha is ready again$/)
  assert.notEqual(pidOf(program), first)
})

test('services stop in the order in which they are told', async (t) => {
  const folder = scratchFolder(t)
  const front = started(t, await programIn(folder, 'front'))
  const back = started(t, await programIn(folder, 'back'))
  await Promise.all([front.ready, back.ready])
  await front.stop()
  await back.stop()
  assert.equal(readFileSync(join(folder, 'diary'), 'utf8'), 'front stopped\nback stopped\n')
})

test('a service that ends at its start is quoted and not started again', async (t) => {
  const source = `console.error('PORT has a wrong value.'); process.exit(78)`
  const program = await programIn(scratchFolder(t), 'alpha', source)
  const { say, lines } = audience()
  const supervised = started(t, program, say)
  await assert.rejects(supervised.ready, (error: Error) => {
    return error instanceof Failure && error.message.includes('PORT has a wrong value.')
  })
  await supervised.stop()
  assert.deepEqual(lines, [])
})

test('a service that is told to stop while it waits to be started again stays down', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  const { say, heard } = audience()
  const supervised = started(t, program, say)
  await supervised.ready
  process.kill(pidOf(program), 'SIGKILL')
  await heard(/^alpha ended/)
  await supervised.stop()
  assert.equal(existsSync(program.pidFile), false)
})

test('a service that does not heed SIGTERM is ended by force', async (t) => {
  const deaf = `${service}; process.removeAllListeners('SIGTERM'); process.on('SIGTERM', () => {})`
  const program = await programIn(scratchFolder(t), 'alpha', deaf)
  const supervised = started(t, program)
  await supervised.ready
  const stopped = supervised.stop()
  supervised.kill()
  await stopped
  assert.equal(existsSync(program.pidFile), false)
})

test('a service gets the variables it is given and no others', async (t) => {
  const source = `console.error(Object.keys(process.env).sort().join()); process.exit(1)`
  const program = await programIn(scratchFolder(t), 'alpha', source)
  await assert.rejects(started(t, program).ready, /DIARY,NAME,PORT$/m)
})

test('what a killed supervisor left is ended', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  const left = spawn(process.execPath, [program.script], { env: program.env, stdio: 'ignore' })
  t.after(() => left.kill('SIGKILL'))
  const exited = once(left, 'exit')
  mkdirSync(dirname(program.pidFile))
  writeFileSync(program.pidFile, `${left.pid}\n`)
  await endLeftoverService(program, () => {})
  await exited
  assert.equal(existsSync(program.pidFile), false)
})

test('a process id that another program has by now is left alone', async (t) => {
  const folder = scratchFolder(t)
  const program = await programIn(folder, 'alpha')
  const other = await programIn(folder, 'other')
  await started(t, other).ready
  await endLeftoverService({ ...program, pidFile: other.pidFile }, () => {})
  const { status } = await fetch(other.readyUrl)
  assert.equal(status, 200)
})

test('of policies that are not valid every place is quoted', async (t) => {
  const folder = scratchFolder(t)
  const root = join(import.meta.dirname, '..', '..')
  const policies = join(folder, 'policies')
  cpSync(join(root, 'policies'), policies, { recursive: true })
  for (const name of ['model-policy.yml', 'risk-matrix.yml']) {
    const file = join(policies, name)
    const text = readFileSync(file, 'utf8')
    const broken = text.replace(/^version: .*$/m, 'version: [1]')
    assert.notEqual(broken, text)
    writeFileSync(file, broken)
  }
  const program = await programIn(folder, 'mcp-policy')
  const script = join(root, 'services', 'mcp-policy', 'src', 'main.ts')
  const env = { PORT: String(program.env.PORT), POLICIES_DIR: policies }
  await assert.rejects(started(t, { ...program, script, env }).ready, (error: Error) => {
    const place = /^ +([a-z-]+\.yml):\d+:\d+ /gm
    const files = [...error.message.matchAll(place)].map((match) => match[1])
    assert.deepEqual(files, ['model-policy.yml', 'risk-matrix.yml'])
    return error instanceof Failure
  })
})

test('a service whose process id cannot be noted does not run', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  mkdirSync(program.pidFile, { recursive: true })
  assert.throws(() => supervise(program, () => {}), { path: program.pidFile })
  const runs = () => execFileSync('ps', ['-A', '-ww', '-o', 'command=']).includes(program.script)
  while (runs()) await sleep(20)
})

test('a service that cannot be started again for now is tried again, and both are said', async (t) => {
  const program = await programIn(scratchFolder(t), 'alpha')
  const { say, heard } = audience()
  await started(t, program, say).ready
  const pid = pidOf(program)
  rmSync(program.pidFile)
  mkdirSync(program.pidFile)
  process.kill(pid, 'SIGKILL')
  await heard(/^alpha cannot be started/)
  rmSync(program.pidFile, { recursive: true })
  await heard(/^alpha is ready again$/)
})
