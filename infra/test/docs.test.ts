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
  const sources = globSync(
    ['services/*/src/**/*{config,variables}.ts', 'services/common/src/environment.ts'],
    {
      cwd: root,
    },
  )
  const names = sources.flatMap((path) =>
    [...read(path).matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name),
  )
  assert.ok(names.length > 30)
  const example = read('.env.example')
  assert.deepEqual(
    names.filter((name) => !new RegExp(`^(# )?${name}=`, 'm').test(example)),
    [],
  )
})

/** The anchors of a Markdown page: its headings as GitHub links to them. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('every link between pages of the repository leads to a file, and to a heading of it', () => {
  const pages = globSync(['*.md', '{clients,docs,examples,infra,policies,services}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })
  assert.ok(pages.length > 10)
  let anchors = 0
  for (const page of pages) {
    for (const [, path, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = path ? join(dirname(page), path) : page
      assert.ok(existsSync(join(root, target)), `${page}: ${path}`)
      if (anchor === undefined) continue
      anchors++
      assert.ok(anchorsOf(target).includes(anchor), `${page}: ${path}#${anchor}`)
    }
  }
  assert.ok(anchors > 20)
})

/** Headings of docs/OPERATIONS.md that a text names: an anchor, or in quotes behind the name of the page. */
function namedHeadings(text: string): string[] {
  const named = [...text.matchAll(/OPERATIONS\.md(?:#([a-z0-9-]+))?(.*)/g)]
  return named.flatMap(([, anchor, rest = '']) => [
    ...(anchor ? [anchor] : []),
    ...[...rest.matchAll(/"([A-Z][^"]*)"/g)].map(([, heading]) => heading as string),
  ])
}

test('every chapter of docs/OPERATIONS.md that a message or a comment names is there', () => {
  const sources = globSync(
    ['{services,infra,clients,bench}/**/*.{ts,js,py,sh,sql,yml}', '*.yml', '.env.example'],
    { cwd: root, exclude: ['**/node_modules/**', '**/dist*/**', '**/test/**'] },
  )
  const named = sources.flatMap((path) => namedHeadings(read(path)).map((name) => [path, name]))
  assert.ok(named.length >= 6, String(named))
  const anchors = anchorsOf('docs/OPERATIONS.md')
  for (const [path, name = ''] of named) {
    assert.ok(anchors.includes(name.toLowerCase().replaceAll(' ', '-')), `${path}: ${name}`)
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

test('README and docs/FORMATS.md have the same exit codes of the verifiers, with the same results', () => {
  const rows = (page: string) =>
    [...read(page).matchAll(/^\| (\d) +\| ([a-z ,]+?):/gm)].map(([, code, text]) => [code, text])
  const formats = rows('docs/FORMATS.md')
  assert.equal(formats.length, 5)
  assert.deepEqual(rows('README.md'), formats)
})
