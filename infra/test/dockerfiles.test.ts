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

test('images are made from the official ones alone, and run as nobody in particular', () => {
  for (const path of files) {
    const text = read(path)
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    assert.deepEqual(new Set(bases), new Set(['node:26-bookworm-slim']))
    assert.match(text, /^USER 1000:1000$/m)
    assert.doesNotMatch(text, /^# *syntax=/m)
  }
})
