import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { methodsOf } from '../test-support/methods.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const client = join(import.meta.dirname, '../../clients/typescript')
const readme = readFileSync(join(client, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code as string,
  )

let database: TestDatabase
let stack: Stack
let folder: string
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
  folder = mkdtempSync(join(tmpdir(), 'client-readme-'))
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

async function run(program: string, args: string[], env = {}) {
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, output }
}

test('every TypeScript example of the README runs and prints what its comments say', async () => {
  const library = pathToFileURL(join(client, 'src/index.ts')).href
  const examples = blocks('ts')
  assert.ok(examples.length >= 5)
  for (const [i, example] of examples.entries()) {
    const file = join(folder, `example-${i}.mts`)
    assert.match(example, /@ai-governance\/client/)
    const code = example
      .replaceAll('@ai-governance/client', library)
      .replaceAll('http://127.0.0.1:8080', stack.gateway.url)
    writeFileSync(file, code)
    const { code: exit, output } = await run(process.execPath, [file])
    assert.equal(exit, 0, output)
    for (const [, expected] of example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)) {
      assert.equal(output, `${expected}\n`)
    }
  }
})

test('the commands of the README run in order', async () => {
  const script = blocks('sh').find((block) => block.includes('aigov status')) as string
  const main = join(client, 'src/cli/main.ts')
  writeFileSync(join(folder, 'aigov'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  chmodSync(join(folder, 'aigov'), 0o755)
  const before = await checkLog(database.ownerUrl)
  const { code, output } = await run('sh', ['-eu', '-c', script], {
    PATH: `${folder}:${process.env.PATH}`,
    AIGOV_URL: stack.gateway.url,
  })
  assert.equal(code, 0, output)
  for (const text of [
    'ready',
    'VERIFIED  by key',
    'DENIED',
    'VERIFIED  FAILED  entry',
    'Registered fraud-detector-ts@1.2.3',
  ]) {
    assert.ok(output.includes(text), output)
  }
  const entries = before + 4
  assert.ok(output.includes(`VERIFIED  ${entries} entries (1 to ${entries})`), output)
  assert.equal(await checkLog(database.ownerUrl), entries)
})

test('the README lists the methods and exit codes that there are', async () => {
  const { createClient } = await import('../../clients/typescript/src/index.ts')
  for (const [group, api] of Object.entries(createClient({ baseUrl: 'http://gateway.test' }))) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`client.${group}\``))
    const listed = [...(row ?? '').matchAll(/`([a-zA-Z0-9]+)`/g)].map(([, name]) => name as string)
    assert.deepEqual(listed.sort(), methodsOf(api))
  }
  const { EXIT, EXIT_MEANINGS } = await import('../../clients/typescript/src/cli/exit.ts')
  const rows = [...readme.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)]
  assert.deepEqual(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])), {
    ...EXIT_MEANINGS,
  })
  assert.deepEqual(Object.values(EXIT).map(String), Object.keys(EXIT_MEANINGS))
})

test('the README says how to build aigov from a checkout, by scripts that there are', () => {
  const [script] = blocks('sh').filter((block) => block.includes('npm pack'))
  const scripts = (folder: string) =>
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts
  assert.match(script ?? '', /^npm run build\b/m)
  assert.match(script ?? '', /^npm run --silent aigov -- --help\b/m)
  const root = scripts(join(client, '../..'))
  assert.ok(root.build && root.aigov && scripts(client).prepack)
})

test('every link of the README leads to a file, and to a heading of it', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)]
  assert.ok(links.length >= 4)
  for (const [link, path, anchor] of links) {
    const text = readFileSync(join(client, path || 'README.md'), 'utf8')
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      (heading as string)
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    )
    if (anchor) assert.ok(headings.includes(anchor), link)
  }
})
