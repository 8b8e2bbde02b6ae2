import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandLine } from '../local/processes.ts'

const bootstrap = join(import.meta.dirname, '..', 'bootstrap.js')

/** Prints its process id, then lives until a signal, on which it ends with the code 42. */
const patient = `
  process.on('SIGTERM', () => process.exit(42))
  process.on('SIGINT', () => process.exit(42))
  process.on('SIGHUP', () => process.exit(42))
  setInterval(() => {}, 1e6)
  console.log(process.pid)
`

function start(script: string): ChildProcess {
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  return spawn(process.execPath, [bootstrap, '-e', script], { stdio: [...stdio] })
}

async function firstNumber(child: ChildProcess): Promise<number> {
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  return Number(String(chunk))
}

test('the exit code is that of the program', async () => {
  assert.deepEqual(await once(start('process.exit(7)'), 'exit'), [7, null])
})

test('a program that a signal ended counts as failed', async () => {
  const [code] = await once(start('process.kill(process.pid, "SIGKILL")'), 'exit')
  assert.equal(code, 137)
})

test('the project’s own Node runs the program', async () => {
  const child = start('console.log(process.versions.node.split(".")[0])')
  assert.equal(await firstNumber(child), 26)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} is passed on, and the program decides when to end`, async () => {
    const child = start(patient)
    await firstNumber(child)
    child.kill(signal)
    assert.deepEqual(await once(child, 'exit'), [42, null])
  })
}

test('when npm is ended and takes its shell along, the program is not left behind', async (t) => {
  // npm's shell, which npm tells to end and which tells nobody.
  const shell = spawn('sh', ['-c', '"$0" "$@"; true', process.execPath, bootstrap, '-e', patient], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await firstNumber(shell)
  t.after(() => commandLine(pid) && process.kill(pid, 'SIGKILL'))
  shell.kill('SIGKILL')
  // The program holds the other end of this pipe until it is gone.
  await once(shell, 'close')
  assert.equal(commandLine(pid), '')
})
