import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('every error code is in docs/API.md', () => {
  const catalogue = [
    ...read('services/common/src/errors.ts').matchAll(/^ {2}([a-z_]+): \[\d{3}, /gm),
  ]
  assert.ok(catalogue.length > 25)
  const api = read('docs/API.md')
  assert.deepEqual(
    catalogue.map(([, code]) => code).filter((code) => !api.includes(`\`${code}\``)),
    [],
  )
})

test('every variable that a service reads is in .env.example', () => {
  const sources = globSync(['services/*/src/config.ts', 'services/common/src/environment.ts'], {
    cwd: root,
  })
  const names = sources.flatMap((path) =>
    [...read(path).matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name),
  )
  assert.ok(names.length > 10)
  const example = read('.env.example')
  assert.deepEqual(
    names.filter((name) => !new RegExp(`^(# )?${name}=`, 'm').test(example)),
    [],
  )
})

test('every link between files of the repository leads to a file', () => {
  const pages = globSync(['*.md', '{clients,docs,infra,services,examples}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })
  assert.ok(pages.length > 10)
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname(page), target as string)), `${page}: ${target}`)
    }
  }
})

test('every SQL statement of the services is in a store', () => {
  const sql = /\b(SELECT\s+[\s\S]{1,200}\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/
  const sources = globSync('services/*/src/**/*.ts', { cwd: root })
  assert.ok(sources.length > 50)
  assert.deepEqual(
    sources.filter((path) => !path.endsWith('-store.ts') && sql.test(read(path))),
    [],
  )
})
