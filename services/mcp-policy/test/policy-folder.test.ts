import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { readFolder } from '../src/policy-folder.ts'
import { policyFiles, policyFolders } from './policy-folders.ts'

const files = policyFiles('red')

/** What is told of a valid folder in which `spoil` did something. */
async function faultOf(t: TestContext, spoil: (folder: string) => void): Promise<string> {
  const folders = policyFolders(files)
  t.after(() => folders.remove())
  spoil(folders.current)
  const read = await readFolder(folders.current)
  return read.ok ? 'none' : read.fault
}

test('a folder is its YAML files, sorted by name, as they are', async (t) => {
  const folders = policyFolders({
    ...files,
    'a.YAML': '\u{feff}# ö\r\n',
    'README.md': 'x',
    empty: '',
  })
  t.after(() => folders.remove())
  mkdirSync(join(folders.current, 'packs'))
  assert.deepEqual(await readFolder(folders.current), {
    ok: true,
    files: [
      { name: 'a.YAML', content: '\u{feff}# ö\r\n' },
      ...Object.entries(files).map(([name, content]) => ({ name, content })),
    ],
  })
})

test('what cannot be read is told by its name', async (t) => {
  const unreadable: [fault: string, spoil: (path: string) => void][] = [
    ['has x.yml, which cannot be read (ENOENT)', (path) => symlinkSync('nowhere', path)],
    ['has x.yml, which cannot be read (ELOOP)', (path) => symlinkSync('x.yml', path)],
    ['has x.yml, which is no file', (path) => mkdirSync(path)],
    ['has x.yml, which is no file', (path) => symlinkSync('.', path)],
    ['has x.yml, which is no file', (path) => execFileSync('mkfifo', [path])],
    ['has x.yml, which is no file', (path) => symlinkSync('/dev/zero', path)],
    // Its size is said to be 0.
    ['has x.yml, which is being written', (path) => symlinkSync('/proc/self/status', path)],
  ]
  for (const [fault, spoil] of unreadable) {
    assert.equal(await faultOf(t, (folder) => spoil(join(folder, 'x.yml'))), fault)
  }
  const gone = await readFolder('/nowhere')
  assert.deepEqual(gone, { ok: false, fault: 'cannot be read (ENOENT)' })
})

test('a link that is turned to another folder while it is read mixes no two sets', async (t) => {
  const set = (text: string) =>
    Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}.yml`, text]))
  const folders = policyFolders(set('0'))
  t.after(() => folders.remove())
  for (let i = 1; i <= 300; i++) {
    const reading = readFolder(folders.current)
    for (let turn = 0; turn < i % 20; turn++) await nextTurn()
    folders.swap(set(String(i)))
    const read = await reading
    assert.ok(read.ok)
    assert.equal(new Set(read.files.map(({ content }) => content)).size, 1)
  }
})

test('a text in another encoding is refused: what a reviewer sees would not be what decides', async (t) => {
  const latin1 = (folder: string) =>
    writeFileSync(join(folder, 'colors.yml'), Buffer.from('# Größe\n', 'latin1'))
  const fault = 'has colors.yml, which is not UTF-8: save it as such'
  assert.equal(await faultOf(t, latin1), fault)
})

test('more than an entry of the log can hold is not read', async (t) => {
  const write = (count: number, size: number) => (folder: string) => {
    for (let i = 0; i < count; i++) {
      writeFileSync(join(folder, `${i}.yml`), '')
      truncateSync(join(folder, `${i}.yml`), size)
    }
  }
  assert.equal(await faultOf(t, write(3, 1_048_576)), 'none')
  assert.match(await faultOf(t, write(4, 1_048_576)), /^has more than 4194304 bytes/)
  assert.match(await faultOf(t, write(1, 1_048_577)), /^has 0\.yml, which is larger than 1048576/)
  assert.equal(await faultOf(t, write(998, 1)), 'none')
  assert.match(await faultOf(t, write(999, 1)), /^has more than 1000 policy files/)
})
