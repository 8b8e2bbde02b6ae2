import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

/** Takes a moment to stop, and says when it has. */
const program = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { stopOnSignals, stopping } from ${JSON.stringify(import.meta.resolve('../faults/leftovers.ts'))}
  const stop = async () => {
    console.log('stopping')
    await sleep(200)
    console.log('stopped')
  }
  stopOnSignals(() => console.log('removed'))
  await stopping(stop, () => {
    console.log('working')
    return sleep(60_000)
  })
`

test('signals, however many, stop what runs once and to its end', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[] = []
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    said.push(...chunk.trim().split('\n'))
    if (said.at(-1) === 'working') child.kill('SIGINT')
    if (said.at(-1) === 'stopping')
      for (const name of ['SIGINT', 'SIGTERM'] as const) child.kill(name)
  }
  assert.deepEqual(said, ['working', 'stopping', 'stopped', 'removed'])
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  assert.equal(code, 130)
})
