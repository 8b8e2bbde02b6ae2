import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

/** What a process that runs `code` with a logger writes to its standard output, line by line. */
function linesOf(code: string): { msg: string }[] {
  const script = `import { createLogger } from '@ai-governance/common/observability/logger'
    const log = createLogger('a-service', 'info')
    ${code}`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { msg: string })
}

for (const [what, end] of Object.entries({
  'that has nothing left to do': '',
  'that exits': 'process.exit(0)',
  'that exits with a line of the same turn behind it': `log.info('last'); process.exit(1)`,
  'that fails': `throw new Error('x')`,
  'that stops on a fatal error': `log.fatal('last'); process.kill(process.pid, 'SIGKILL')`,
})) {
  test(`every line of a process ${what} is written, whole and in order`, () => {
    const lines = linesOf(`for (let i = 0; i < 5_000; i++) log.info('é' + i)\n${end}`)
    const expected = Array.from({ length: 5_000 }, (_, i) => `é${i}`)
    if (end.includes('last')) expected.push('last')
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      expected,
    )
  })
}

test('lines are written while the process goes on', () => {
  const lines = linesOf(`log.info('early')
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2_000)`)
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['early'],
  )
})
