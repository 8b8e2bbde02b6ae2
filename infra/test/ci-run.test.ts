import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scratchFolder } from '../test-support/scratch.ts'

const root = join(import.meta.dirname, '..', '..')
const STEPS = [
  ...['types', 'lint', 'workflows', 'browser'],
  ...[
    'tests',
    'faults',
    'interop',
    'kubernetes',
    'observability',
    'cross-site',
    'docs',
    'fuzz',
    'soak',
    'smoke',
    'python',
  ],
]

/** Runs `.ci/run` where every program that it calls only fails, if its call has a word of `failing`. */
function run(t: TestContext, failing: string) {
  const folder = scratchFolder(t)
  const program = `#!/bin/sh\ncase "$0 $*" in *${failing}*) exit 3 ;; esac\n`
  const own = ['workflows', 'browser', 'interop', 'kubernetes', 'observability']
  const called = ['npm', 'node', 'python3'].map((name) => join('bin', name))
  for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name))
  for (const path of [...own.map((name) => join('.ci', name)), ...called]) {
    writeFileSync(join(folder, path), program)
    chmodSync(join(folder, path), 0o755)
  }
  cpSync(join(root, '.ci/run'), join(folder, '.ci/run'))
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
  const { status, stdout } = spawnSync(join(folder, '.ci/run'), {
    env: { PATH },
    encoding: 'utf8',
  })
  const began = [...stdout.matchAll(/^== ([a-z-]+)$/gm)].map(([, name]) => name as string)
  return { status, began, last: stdout.trim().split('\n').at(-1) }
}

test('every check runs, and where all hold the exit code is 0', (t) => {
  const { status, began, last } = run(t, 'none-of-them')
  assert.equal(status, 0)
  assert.deepEqual(began, STEPS)
  assert.match(String(last), /^Every check held, after \d+ s\.$/)
})

for (const [failing, names, missing] of [
  ['smoke', 'smoke', ['python']],
  [
    'faults',
    'faults',
    ['interop', 'kubernetes', 'observability', 'cross-site', 'docs', 'fuzz', 'soak'],
  ],
  ['docs-page', 'docs', ['fuzz', 'soak']],
  ['unittest', 'python', []],
  ['fuzz:api', 'fuzz', ['soak']],
  ['soak', 'soak', []],
  ['lint', 'lint', STEPS.slice(2)],
] as const) {
  test(`where ${names} fails, the last line names it, and the exit code is 1`, (t) => {
    const { status, began, last } = run(t, failing)
    assert.deepEqual([status, last], [1, `Failed: ${names}`])
    const expected = STEPS.filter((name) => !missing.some((one) => one === name))
    assert.deepEqual(began, expected)
  })
}
