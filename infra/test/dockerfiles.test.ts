import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const files = globSync(['services/*/Dockerfile', 'infra/Dockerfile'], { cwd: root })
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('the images of the services are made in the same way', () => {
  const services = files.filter((path) => path.startsWith('services/'))
  assert.equal(services.length, 4)
  const shapes = services.map((path) =>
    read(path)
      .replaceAll(basename(dirname(path)), 'SERVICE')
      .replace(/^COPY services\/policy-engine\/.*\n/gm, ''),
  )
  assert.equal(new Set(shapes).size, 1)
})

test('an image has every package of the workspace that its service stands on', () => {
  for (const path of files) {
    const needed = new Set<string>()
    collect(`${dirname(path)}/package.json`, needed)
    for (const name of needed) {
      assert.ok(
        read(path).includes(`COPY services/${name}/src services/${name}/src`),
        `${path}: ${name}`,
      )
    }
  }

  function collect(manifest: string, needed: Set<string>): void {
    const { dependencies = {} } = JSON.parse(read(manifest)) as { dependencies?: object }
    for (const name of Object.keys(dependencies)) {
      const own = /^@ai-governance\/(.+)$/.exec(name)?.[1]
      if (own === undefined || needed.has(own)) continue
      needed.add(own)
      collect(`services/${own}/package.json`, needed)
    }
  }
})

test('the image of the one-shot programs has every file and package that they import', () => {
  const files = new Set<string>()
  const packages = new Set<string>()
  for (const program of ['infra/migrate.ts', 'infra/containers/secrets.ts']) collect(program)
  const copies = [...read('infra/Dockerfile').matchAll(/^COPY ((?!--).+) \S+$/gm)]
  const copied = copies.flatMap(([, sources]) => (sources as string).split(' '))
  const isCopied = (file: string) => copied.some((at) => file === at || file.startsWith(`${at}/`))
  assert.deepEqual(
    [...files].filter((file) => !isCopied(file)),
    [],
  )
  const { dependencies } = JSON.parse(read('infra/package.json')) as { dependencies: object }
  assert.deepEqual([...packages].sort(), Object.keys(dependencies).sort())

  function collect(file: string): void {
    if (files.has(file)) return
    files.add(file)
    for (const [, from = ''] of read(file).matchAll(
      /^(?:import|export) [^;]*? from '([^']+)'$/gm,
    )) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] as string
      if (from.startsWith('.')) collect(join(dirname(file), from))
      else if (!from.startsWith('node:')) packages.add(name)
    }
  }
})

test('images are made from the official ones alone, and run as nobody in particular', () => {
  for (const path of files) {
    const text = read(path)
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    assert.deepEqual(new Set(bases), new Set(['node:26-bookworm-slim']))
    assert.match(text, /^USER 1000:1000$/m)
    assert.doesNotMatch(text, /^# *syntax=/m)
  }
})
