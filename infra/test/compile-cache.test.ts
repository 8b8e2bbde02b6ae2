import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeIdentityKeys } from '../local/data-folder.ts'
import { planServices } from '../local/services.ts'
import { readSettings } from '../local/settings.ts'
import { compileCache } from '../test-support/compile-cache.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('what a process has compiled the next one need not, and an edit is seen, be size and time of the file as before', (t) => {
  const folder = scratchFolder(t)
  const script = join(folder, 'answer.ts')
  const run = () => {
    const env = { NODE_COMPILE_CACHE: join(folder, 'compiled'), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }
    const { stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' })
    return [stdout, /answer\.ts was accepted/.test(stderr)]
  }
  const source = "const answer: string = 'one'\nconsole.log(answer)\n"
  writeFileSync(script, source)
  const { atime, mtime } = statSync(script)
  assert.deepEqual(run(), ['one\n', false])
  assert.deepEqual(run(), ['one\n', true])
  writeFileSync(script, source.replace('one', 'two'))
  utimesSync(script, atime, mtime)
  assert.deepEqual(run(), ['two\n', false])
  assert.deepEqual(run(), ['two\n', true])
})

test('all processes of a run share what they compile, in a folder that goes with the run', () => {
  const { NODE_COMPILE_CACHE: folder = '' } = compileCache()
  assert.match(folder, /governance-test-\d+-\w+\/compiled$/)
  assert.ok(statSync(folder).isDirectory())
})

test('the services of npm start keep what was compiled beside the rest of their data', (t) => {
  const data = scratchFolder(t)
  copyFileSync(join(import.meta.dirname, '../../.env.example'), join(data, '.env.example'))
  const plans = planServices(readSettings(data, {}), {
    ...{ root: data, data, postgresPort: 1 },
    secrets: { owner: 'a', lineageService: 'b', auditService: 'c' },
    signer: { keyFile: 'k', stateFile: 's' },
    identity: makeIdentityKeys(data),
  })
  const folders = plans.map(({ env }) => env.NODE_COMPILE_CACHE)
  assert.deepEqual(folders, Array(4).fill(join(data, 'compiled')))
})
