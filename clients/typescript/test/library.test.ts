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

/** All files that a file leads to, itself included. */
function reachedFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const name of importsOf(file)) if (name.startsWith('./')) reachedFrom(name.slice(2), seen)
  return seen
}

test('the library imports nothing of Node, of the services or of the command line', () => {
  const files = reachedFrom('index.ts')
  assert.ok(files.size > 30)
  const allowed = /^(?:\.\/[a-z0-9-]+\.ts|@noble\/hashes\/(?:sha2|utils)\.js|tweetnacl)$/
  for (const file of files) {
    assert.deepEqual(
      importsOf(file).filter((name) => !allowed.test(name)),
      [],
      file,
    )
  }
})

test('what makes the audit key stands alone: others take that one file', () => {
  assert.ok(importsOf('audit-key.ts').every((name) => name.startsWith('node:')))
  assert.ok(!reachedFrom('index.ts').has('audit-key.ts'))
})

test('the command line imports Node, commander and this package alone, but for the doors to the policy engine and the scopes', () => {
  const files = globSync('cli/*.ts', { cwd: source })
  assert.ok(files.length > 10)
  const allowed = /^(?:\.\.?\/[a-z0-9-]+\.ts|node:[a-z_/]+|commander)$/
  const engine = /^(?:\.\.\/){4}services\/policy-engine\/src\/(?:[a-z-]+\/)?[a-z-]+\.ts$/
  const common = /^(?:\.\.\/){4}services\/common\/src\/(?:callers\/scopes|suggest)\.ts$/
  const doors = new Map([
    [join('cli', 'policy-engine.ts'), engine],
    [join('cli', 'policy-aibom.ts'), engine],
    [join('cli', 'key-scopes.ts'), common],
  ])
  for (const file of files) {
    const others = importsOf(file).filter((name) => !allowed.test(name))
    assert.deepEqual(
      others.filter((name) => !doors.get(file)?.test(name)),
      [],
      file,
    )
  }
})
