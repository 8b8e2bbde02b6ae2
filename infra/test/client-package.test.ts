import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const client = join(root, 'clients/typescript')

test('the built package judges policies where nothing but its declared dependencies is there', (t) => {
  const bin = join(root, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  const folder = mkdtempSync(join(tmpdir(), 'aigov-package-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  const installed = join(modules, '@ai-governance/client')
  // Not the checkout's own dist, which somebody else may be making or using.
  const built = spawnSync(process.execPath, ['build.js', join(installed, 'dist')], {
    cwd: client,
    env,
  })
  assert.equal(built.status, 0, `${built.stdout}${built.stderr}`)
  cpSync(join(client, 'package.json'), join(installed, 'package.json'))
  const { dependencies } = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(realpathSync(join(client, 'node_modules', name)), join(modules, name))
  }
  const aigov = (...args: string[]) => {
    const main = join(installed, 'dist/cli/main.js')
    const { status, stdout } = spawnSync(process.execPath, [main, ...args], { cwd: root })
    return [status, String(stdout)] as const
  }
  const [lint, said] = aigov('policy', 'lint')
  assert.equal(lint, 0)
  assert.match(said, /^VALID /)
  assert.equal(aigov('policy', 'test')[0], 0)
  for (const command of ['explain', 'diff', 'replay', 'digest']) {
    assert.equal(aigov('policy', command, '--help')[0], 0)
    assert.equal(aigov('policy', command, 'a', 'b', 'c')[0], 2)
  }
  assert.equal(aigov('policy', 'diff', 'policies', 'policies')[0], 0)
  const keys = join(folder, 'keys.json')
  assert.equal(aigov('keys', 'create', '--name', 'a', '--scope', 'admin', '--file', keys)[0], 0)
  assert.match(aigov('keys', 'list', '--file', keys)[1], /active/)
})
