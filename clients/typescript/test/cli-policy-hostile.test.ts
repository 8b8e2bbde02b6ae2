import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { POLICY_EXIT } from '../src/cli/policy-exit.ts'
import { aigov, start } from './aigov.ts'
import { changedPolicies, SHIPPED, scratchFolder } from './policy-folders.ts'

// A policy folder comes with a pull request: nothing in it may hang the check, or speak to who reads the output.

const cwd = scratchFolder()
const lint = (folder: string, ...more: string[]) =>
  aigov(['policy', 'lint', folder, ...more], { cwd })

/** A copy of the shipped policies with one more file. */
function folderWith(name: string, make: (path: string) => void, file = 'a.yml'): string {
  const folder = changedPolicies(cwd, name, [])
  make(join(folder, file))
  return name
}

test('attack: a pipe in the folder is refused instead of waited for', async () => {
  const folder = folderWith('pipe', (path) => {
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
  })
  const { code, err } = await lint(folder)
  assert.deepEqual([code, err], [POLICY_EXIT.usage, 'pipe/a.yml cannot be read: it is no file.\n'])
})

test('attack: a link to a device without end is refused, as is a file that nobody wrote by hand', async () => {
  const device = folderWith('device', (path) => symlinkSync('/dev/zero', path))
  assert.match((await lint(device)).err, /^device\/a\.yml cannot be read: it is no file\.$/m)
  const large = folderWith('large', (path) => {
    writeFileSync(path, '')
    truncateSync(path, 5 * 2 ** 30)
  })
  const { code, err } = await lint(large)
  assert.deepEqual([code, /larger than 1048576 bytes/.test(err)], [POLICY_EXIT.usage, true])
})

test('a link to a file is followed, and one that leads nowhere or in a circle is named', async () => {
  const link = folderWith('link', (path) => symlinkSync(join(SHIPPED, 'nowhere.yml'), path))
  assert.match((await lint(link)).err, /link\/a\.yml cannot be read: there is no such file/)
  const circle = folderWith('circle', (path) => symlinkSync('a.yml', path))
  assert.match((await lint(circle)).err, /circle\/a\.yml cannot be read: ELOOP/)
  const followed = changedPolicies(cwd, 'followed', [])
  cpSync(join(followed, 'risk-matrix.yml'), join(cwd, 'matrix'))
  const other = join(cwd, 'by-link')
  cpSync(followed, other, { recursive: true })
  spawnSync('ln', ['-sf', join(cwd, 'matrix'), join(other, 'risk-matrix.yml')])
  assert.equal((await lint('by-link')).code, 0)
})

test('attack: the name of a file neither moves the cursor nor gives a runner orders', async () => {
  const evil = 'a\n::add-mask::x\u001b[2J##[error]\u202e.yml'
  const binary = folderWith('binary', (path) => writeFileSync(path, Buffer.of(0xff)), evil)
  const wrong = folderWith('wrong', (path) => writeFileSync(path, 'policy: a'), evil)
  for (const [folder, code] of [
    [binary, POLICY_EXIT.usage],
    [wrong, POLICY_EXIT.invalid],
  ] as const) {
    for (const format of ['text', 'github', 'sarif', 'json']) {
      const ended = await lint(folder, '--format', format)
      assert.equal(ended.code, code)
      const lines = `${ended.out}${ended.err}`.trimEnd().split('\n')
      for (const line of lines) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
        assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]|^::add-mask/)
        // A runner looks for the older form of a command in every line that is none of the newer form.
        if (format === 'github' && line.includes('##[')) assert.match(line, /^::error /)
      }
    }
  }
})

test('ten thousand files are checked, and a reader that has seen enough is exit code 70', async () => {
  const folder = folderWith('many', (path) => {
    for (let i = 0; i < 10_000; i += 1) writeFileSync(`${path}.${i}.yml`, 'policy: a\nversion: 1\n')
  })
  const { code, out } = await lint(folder)
  assert.equal(code, POLICY_EXIT.invalid)
  assert.match(out, /^many\/a\.yml\.9999\.yml:2:10 wrong_type /m)
  const child = start(['policy', 'lint', folder], { cwd })
  const ended = once(child, 'exit')
  child.stdout.once('data', () => child.stdout.destroy())
  assert.deepEqual(await ended, [POLICY_EXIT.broken, null])
})

test('a line of 1 MiB, and a file of another kind, are errors with their place', async () => {
  const long = folderWith('long', (path) =>
    writeFileSync(path, `policy: "${'a'.repeat(2 ** 20 - 20)}"`),
  )
  assert.match((await lint(long)).out, /^long\/a\.yml:1:1 too_large /)
  const link = folderWith('passwd', (path) => symlinkSync('/etc/passwd', path))
  const { code, out } = await lint(link)
  assert.equal(code, POLICY_EXIT.invalid)
  assert.match(out, /^passwd\/a\.yml:\d+:\d+ \w+ /)
  assert.doesNotMatch(out, /root/)
})

test('replay that is asked to stop is exit code 130', async () => {
  const child = start(['policy', 'replay', '-'], { cwd })
  const ended = once(child, 'exit')
  const repeat = setInterval(() => child.kill('SIGINT'), 500)
  const [code, signal] = await ended
  clearInterval(repeat)
  assert.ok(code === POLICY_EXIT.interrupted || signal === 'SIGINT')
})
