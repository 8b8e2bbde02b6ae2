import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { EXIT } from '../src/cli/exit.ts'
import { aigov, start } from './aigov.ts'
import { exportOf } from './entries.ts'
import { json, serve } from './server.ts'
import { readVectors } from './vectors.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aigov-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text)
  return name
}
const LINES = exportOf([{}, {}, {}])

test('an export that verifies is exit code 0, from a file and from standard input', async () => {
  const file = write('good.ndjson', `${LINES.join('\n')}\n`)
  const fromFile = await aigov(['verify', file], { cwd })
  assert.deepEqual([fromFile.code, fromFile.err], [0, ''])
  assert.match(fromFile.out, /^VERIFIED {2}3 entries \(1 to 3\)/)
  const fromInput = await aigov(['verify', '-', '--json'], { input: LINES.join('\n') })
  assert.equal(fromInput.code, 0)
  assert.deepEqual([JSON.parse(fromInput.out).ok, JSON.parse(fromInput.out).last_id], [true, 3])
})

test('an export that does not verify is exit code 4 and names the entry', async () => {
  const changed = LINES.map((line, i) =>
    i === 1 ? line.replace('"decision":true', '"decision":false') : line,
  )
  const { code, out } = await aigov(['verify', write('bad.ndjson', changed.join('\n'))], { cwd })
  assert.equal(code, 4)
  assert.match(out, /^NOT VERIFIED {2}bad\.ndjson, line 2, entry 2: entry_hash/)
  const cut = await aigov(['verify', '-', '--json'], { input: LINES.slice(0, 2).join('\n') })
  assert.deepEqual([cut.code, JSON.parse(cut.out).complete], [4, false])
})

test('a verdict that nobody reads any more never ends as 0', async () => {
  for (const lines of [LINES, LINES.slice(1)]) {
    const child = start(['verify', '-', '--json'])
    child.stdout.destroy()
    child.stdin.end(lines.join('\n'))
    assert.equal((await once(child, 'close'))[0], EXIT.failed)
  }
})

test('an export in another format is exit code 1 and is not called forged', async () => {
  for (const input of ['[{"id":1}]', 'id,created_at\r\n1,x\r\n']) {
    const { code, out, err } = await aigov(['verify', '-'], { input })
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^Standard input cannot be verified: .* ask for fmt=ndjson\.\n$/)
  }
})

test('missing details that nothing in the export accounts for are exit code 5', async () => {
  const { exports } = readVectors<{ exports: { name: string; text: string }[] }>('exports.json')
  const vector = exports.find(({ name }) => name === 'a range all of whose details are missing')
  const { code, out } = await aigov(['verify', '-'], { input: vector?.text ?? '' })
  assert.equal(code, 5)
  assert.match(out, /^VERIFIED AS FAR AS IT GOES {2}2 entries[\s\S]*warning: 2 erased entries name/)
})

test('that a checkpoint is not judged is said where there is one', async () => {
  const without = await aigov(['verify', '-'], { input: LINES.join('\n') })
  assert.doesNotMatch(without.out, /not judged/)
  const input = LINES.join('\n').replace('"checkpoint":null', '"checkpoint":"a note"')
  assert.match((await aigov(['verify', '-'], { input })).out, /not judged: the signed checkpoint/)
})

const END = { ok: true, first_bad_id: null, reason: null, next_from_id: null }

test('without a file the services check themselves, step by step to the end', async (t) => {
  const { url, received } = await serve(t, (response, { url: path }) => {
    if (path.startsWith('/mcp-lineage/')) json(response, { ...END, records: 4 })
    else if (path.endsWith('from_id=1')) json(response, { ...END, entries: 2, next_from_id: 3 })
    else json(response, { ...END, entries: 5 })
  })
  const { code, out } = await aigov(['verify', '--json', '--url', url])
  assert.equal(code, 0)
  const { ok, audit, lineage } = JSON.parse(out)
  assert.deepEqual([ok, audit.checked, lineage.checked, received.length], [true, 7, 4, 3])
})

for (const [what, step, expected] of [
  ['finds a fault', { ok: false, first_bad_id: 3, reason: 'r' }, 4],
  ['says that it is fine by a text', { ok: 'true' }, 7],
  ['does not say what it looked at', { entries: undefined }, 7],
  ['never comes to an end', { next_from_id: 1 }, 7],
] as const) {
  test(`a service that ${what} is exit code ${expected}`, async (t) => {
    const { url } = await serve(t, (response) => json(response, { ...END, entries: 2, ...step }))
    assert.equal((await aigov(['verify', '--url', url])).code, expected)
  })
}
