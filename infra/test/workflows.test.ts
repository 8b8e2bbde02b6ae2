import assert from 'node:assert/strict'
import { accessSync, constants, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { manifest } from './action-step.ts'
import { parseYaml } from './yaml.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}
interface Job {
  'timeout-minutes'?: number
  permissions?: Record<string, string>
  strategy?: { matrix: { include?: { name?: string; dockerfile?: string }[] } }
  steps: Step[]
}
interface Workflow {
  permissions?: Record<string, string>
  concurrency?: unknown
  jobs: Record<string, Job>
}

const paths = globSync('.github/workflows/*.yml', { cwd: root })
const workflows = paths.map((path) => ({ path, ...(parseYaml(read(path)) as Workflow) }))
const jobs = workflows.flatMap(({ path, jobs }) =>
  Object.entries(jobs).map(([name, job]) => ({ name: `${path}: ${name}`, ...job })),
)
const dockerfiles = [
  ...globSync('services/*/Dockerfile', { cwd: root }),
  ...globSync('infra/Dockerfile', { cwd: root }),
]

test('every action is pinned by a commit with its version beside it, the same one everywhere', () => {
  const lines = [...paths, 'clients/action/action.yml'].flatMap((path) =>
    [...read(path).matchAll(/^.*\buses:.*$/gm)].map(([line]) => line),
  )
  assert.ok(lines.length > 20)
  const pins = new Map<string, string>()
  for (const line of lines) {
    const match = /uses: ([\w-]+\/[\w-]+)(?:\/[\w-]+)*@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(line)
    assert.ok(match, line)
    const [, action = '', pin = ''] = match
    assert.equal(pins.get(action) ?? pin, pin, line)
    pins.set(action, pin)
  }
})

test('no workflow has a right unless one of its jobs asks for it', () => {
  assert.ok(workflows.length >= 4)
  for (const { path, permissions } of workflows) assert.deepEqual(permissions, {}, path)
  for (const { name, permissions } of jobs) assert.ok(permissions, name)
})

test('every workflow says what becomes of an older run, and every job when it has hung', () => {
  for (const { path, concurrency } of workflows) assert.ok(concurrency, path)
  for (const job of jobs) assert.ok((job['timeout-minutes'] ?? 0) > 0, job.name)
})

test('no checkout leaves its token behind', () => {
  const checkouts = jobs
    .flatMap(({ steps }) => steps)
    .filter(({ uses }) => uses?.startsWith('actions/checkout@'))
  assert.ok(checkouts.length > 5)
  for (const { with: given } of checkouts) assert.equal(given?.['persist-credentials'], false)
})

test('no script has an expression pasted into it', () => {
  const scripts = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
  assert.ok(scripts.length > 5)
  for (const script of scripts) assert.ok(!script.includes('${' + '{'), script)
})

test('every script that a workflow calls exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const texts = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
  const called = texts.flatMap((text) =>
    [...text.matchAll(/\bnpm (?:run )?(?:--?\S+ )*([\w:-]+)/g)].map(([, name]) => name as string),
  )
  assert.ok(called.includes('smoke') && called.includes('test'))
  const builtIn = ['publish', 'pkg']
  assert.deepEqual(
    called.filter((name) => !builtIn.includes(name) && !(name in scripts)),
    [],
  )
  assert.ok(texts.some((text) => text.includes('.ci/run')))
  accessSync(join(root, '.ci/run'), constants.X_OK)
})

test('every image is scanned and released', () => {
  assert.equal(dockerfiles.length, 5)
  const lists = jobs.filter(({ strategy }) => strategy?.matrix.include?.[0]?.dockerfile)
  assert.equal(lists.length, 2)
  for (const { name, strategy } of lists) {
    const images = strategy?.matrix.include ?? []
    assert.deepEqual(
      images.map(({ dockerfile }) => dockerfile).toSorted(),
      dockerfiles.toSorted(),
      name,
    )
    for (const image of images) {
      assert.equal(image.name, image.dockerfile?.split('/').at(-2), name)
    }
  }
})

test('dependabot waits for days and knows every folder with a Dockerfile', () => {
  const { updates } = parseYaml(read('.github/dependabot.yml')) as {
    updates: {
      'package-ecosystem': string
      directories?: string[]
      cooldown: { 'default-days': number }
    }[]
  }
  for (const { cooldown } of updates) assert.ok(cooldown['default-days'] >= 3)
  const docker = updates.find((update) => update['package-ecosystem'] === 'docker')
  assert.deepEqual(
    docker?.directories?.toSorted(),
    dockerfiles.map((path) => `/${dirname(path)}`).toSorted(),
  )
})

test('the README of the action names every input and output, and its examples use no others', () => {
  const page = read('clients/action/README.md')
  for (const name of [...Object.keys(manifest.inputs), ...Object.keys(manifest.outputs)]) {
    assert.ok(page.includes(`\`${name}\``), name)
  }
  const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
    ([, text]) => parseYaml(text as string) as Workflow,
  )
  assert.ok(examples.length > 0)
  const { version } = JSON.parse(read('package.json')) as { version: string }
  for (const { jobs: shown } of examples) {
    const steps = Object.values(shown).flatMap((job) => job.steps)
    const gates = steps.filter(({ uses }) => uses?.includes('/clients/action@'))
    assert.ok(gates.length > 0)
    for (const { uses = '', with: given } of gates) {
      assert.ok(uses.endsWith(`@v${version}`), uses)
      assert.deepEqual(
        Object.keys(given ?? {}).filter((name) => !(name in manifest.inputs)),
        [],
      )
    }
  }
})
