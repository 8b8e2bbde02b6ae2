import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const source = join(import.meta.dirname, '../src')
const importsOf = (path: string) =>
  [
    ...readFileSync(join(source, path), 'utf8').matchAll(
      /^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'/gm,
    ),
  ].map(([, from, bare]) => (from ?? bare) as string)

test('the library imports nothing of Node, of the services or of the command line', () => {
  const files = globSync('*.ts', { cwd: source })
  assert.ok(files.length > 20)
  const allowed = /^(?:\.\/[a-z0-9-]+\.ts|@noble\/hashes\/(?:sha2|utils)\.js|tweetnacl)$/
  for (const file of files) {
    assert.deepEqual(
      importsOf(file).filter((name) => !allowed.test(name)),
      [],
      file,
    )
  }
})

test('the command line imports Node, commander and this package alone', () => {
  const files = globSync('cli/*.ts', { cwd: source })
  assert.ok(files.length > 10)
  const allowed = /^(?:\.\.?\/[a-z0-9-]+\.ts|node:[a-z/]+|commander)$/
  for (const file of files) {
    assert.deepEqual(
      importsOf(file).filter((name) => !allowed.test(name)),
      [],
      file,
    )
  }
})
