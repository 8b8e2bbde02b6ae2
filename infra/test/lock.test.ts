import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure } from '../failure.ts'
import { takeLock } from '../local/lock.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('the lock is ours until we let go of it', (t) => {
  const file = join(scratchFolder(t), 'lock')
  const unlock = takeLock(file, 'start.ts')
  assert.equal(Number(readFileSync(file, 'utf8')), process.pid)
  unlock()
  assert.equal(existsSync(file), false)
})

test('a lock held by the running program is refused and left alone', async (t) => {
  const file = join(scratchFolder(t), 'lock')
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', 'holder-of-the-lock'])
  t.after(() => holder.kill('SIGKILL'))
  await once(holder, 'spawn')
  writeFileSync(file, `${holder.pid}\n`)
  assert.throws(() => takeLock(file, 'holder-of-the-lock'), Failure)
  assert.equal(Number(readFileSync(file, 'utf8')), holder.pid)
})

test('a lock of a process that is gone, or is another program by now, is taken over', (t) => {
  const file = join(scratchFolder(t), 'lock')
  for (const stale of ['4194305', String(process.ppid), 'nonsense', '']) {
    writeFileSync(file, stale)
    takeLock(file, 'no-such-program')()
    assert.equal(existsSync(file), false)
  }
})
