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
import { entryHashesOf, Signer, signedExport } from './signed-log.ts'
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
const signer = new Signer('log.example')
const SIGNED = signedExport(LINES, signer)
const KEY = signer.verifierKey()
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
const verify = (input: string, ...args: string[]) => aigov(['verify', '-', ...args], { cwd, input })

test('an export that the given key signed is exit code 0, from a file and from standard input', async () => {
  const file = write('good.ndjson', textOf(SIGNED))
  const fromFile = await aigov(['verify', file, '--key', KEY], { cwd })
  assert.deepEqual([fromFile.code, fromFile.err], [0, ''])
  assert.match(
    fromFile.out,
    /^VERIFIED {2}3 entries \(1 to 3\)\nlast_entry_hash .*\nroot .*\n {2}signed as log\.example at 3 entries by the key that was given\n$/,
  )
  const fromInput = await verify(
    SIGNED.join('\n'),
    '--json',
    '--key',
    write('log.vkey', `${KEY}\n`),
  )
  assert.equal(fromInput.code, 0)
  const verdict = JSON.parse(fromInput.out)
  assert.deepEqual([verdict.result, verdict.last_id, verdict.size], ['verified', 3, 3])
})

test('without a key, or without a signature, an export is consistent at most, exit code 8', async () => {
  const signed = await verify(textOf(SIGNED))
  assert.equal(signed.code, 8)
  assert.match(
    signed.out,
    /^CONSISTENT, KEY NOT PINNED {2}3 entries[\s\S]*not shown: whose key that is/,
  )
  const bare = await verify(textOf(LINES))
  assert.equal(bare.code, 8)
  assert.match(bare.out, /^CONSISTENT, KEY NOT PINNED[\s\S]*not shown: .* no signed checkpoint/)
})

test('an export that does not verify is exit code 4 and names the entry', async () => {
  const changed = SIGNED.map((line, i) =>
    i === 1 ? line.replace('"decision":true', '"decision":false') : line,
  )
  const file = write('bad.ndjson', textOf(changed))
  const { code, out } = await aigov(['verify', file, '--key', KEY], { cwd })
  assert.equal(code, 4)
  assert.match(out, /^NOT VERIFIED {2}bad\.ndjson, line 2, entry 2: entry_hash/)
  const other = await verify(textOf(SIGNED), '--key', new Signer('other.example').verifierKey())
  assert.equal(other.code, 4)
  assert.match(other.out, /^NOT VERIFIED {2}Standard input, line 4: the checkpoint is not signed/)
})

test('an export that broke off, or is none, is exit code 9 and is not called forged', async () => {
  for (const [input, reason] of [
    [textOf(SIGNED.slice(0, 2)), /its last line is not the trailer/],
    ['[{"id":1}]', /ask for fmt=ndjson/],
    ['id,created_at\r\n1,x\r\n', /ask for fmt=ndjson/],
  ] as const) {
    const { code, out } = await verify(input, '--key', KEY)
    assert.equal(code, 9)
    assert.match(out, /^UNUSABLE {2}Standard input, line/)
    assert.match(out, reason)
  }
  const whole = await verify(textOf(SIGNED.slice(0, 2)), '--json')
  assert.deepEqual(
    [JSON.parse(whole.out).complete, JSON.parse(whole.out).result],
    [false, 'unusable'],
  )
})

test('checkpoints taken earlier show where the past was changed, exit code 4', async () => {
  const log = entryHashesOf(SIGNED)
  const notes = [1, 2].map((size) => signer.note(log.slice(0, size)))
  const first = write('one.note', notes[0] as string)
  const both = write('both.note', `${notes.join('\n')}\n`)
  const stands = await verify(
    textOf(SIGNED),
    '--key',
    KEY,
    '--checkpoint',
    first,
    '--checkpoint',
    both,
  )
  assert.equal(stands.code, 0, stands.out)
  // The whole past behind entry 1 was made anew, and signed with the same key.
  const rewritten = signedExport(exportOf([{}, { subject: 'x' }, {}]), signer)
  const { code, out } = await verify(textOf(rewritten), '--key', KEY, '--checkpoint', both)
  assert.equal(code, 4)
  assert.match(out, /line 4, entry 2: the root at 2/)
})

test('what does not reach far enough is exit code 5', async () => {
  const { exports } = readVectors<{ exports: { name: string; text: string }[] }>('exports.json')
  const vector = exports.find(({ name }) => name === 'a range all of whose details are missing')
  const { code, out } = await verify(vector?.text ?? '')
  assert.equal(code, 5)
  assert.match(out, /^VERIFIED AS FAR AS IT GOES {2}2 entries[\s\S]*warning: 2 erased entries name/)
  const log = entryHashesOf(exportOf([{}, {}, {}, {}]))
  const part = signedExport(LINES, signer, log)
  const later = write('later.note', signer.note(log))
  const ended = await verify(textOf(part), '--key', KEY, '--checkpoint', later)
  assert.equal(ended.code, 5)
  assert.match(ended.out, /warning: 1 earlier checkpoints could not be judged/)
})

test('a witness who is required must have cosigned', async () => {
  const witness = new Signer('witness.example')
  const other = write('other.vkey', new Signer('other.example').verifierKey(4))
  const cosigned = signedExport(LINES, signer, undefined, (note) => witness.cosigned(note))
  const required = ['--key', KEY, '--require-witness', witness.verifierKey(4)]
  const { code, out } = await verify(textOf(cosigned), ...required)
  assert.equal(code, 0, out)
  assert.match(out, /^ {2}cosigned by witness\.example$/m)
  for (const [input, ...more] of [
    [textOf(SIGNED)],
    [textOf(cosigned), '--require-witness', other],
  ]) {
    const missing = await verify(input as string, ...required, ...more)
    assert.equal(missing.code, 4)
    assert.match(missing.out, /example did not cosign/)
  }
})

test('what is given wrong is exit code 2, and nothing is verified', async () => {
  const note = write('mine.note', signer.note(entryHashesOf(SIGNED)))
  const foreign = write('foreign.note', new Signer('x.example').note(entryHashesOf(SIGNED)))
  for (const [args, message] of [
    [['--key', 'missing.vkey'], /missing\.vkey cannot be read: there is no such file/],
    [['--key', note], /the key cannot be read/],
    [['--key', signer.verifierKey(4)], /the key cannot be read: this is not the key of a log/],
    [['--checkpoint', 'missing.note'], /missing\.note cannot be read/],
    [['--checkpoint', write('empty.note', '\n')], /empty\.note holds no signed checkpoint/],
    [['--checkpoint', write('nothing.note', '')], /nothing\.note holds no signed checkpoint/],
    [
      ['--checkpoint', note, '--checkpoint', foreign, '--key', KEY],
      /checkpoint 2 is not signed by/,
    ],
    [['--require-witness', KEY], /the key of witness 1 cannot be read/],
    [['--checkpoint', '-'], /Standard input .* once/],
    [['--jobs', '0'], /--jobs must be/],
  ] as [string[], RegExp][]) {
    const { code, out, err } = await verify(textOf(SIGNED), ...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, message)
  }
  assert.equal((await aigov(['verify', '--key', KEY], { cwd })).code, 2)
})

test('a verdict that nobody reads any more never ends as 0', async () => {
  for (const lines of [SIGNED, SIGNED.slice(1)]) {
    const child = start(['verify', '-', '--json', '--key', KEY])
    child.stdout.destroy()
    child.stdin.end(lines.join('\n'))
    assert.equal((await once(child, 'close'))[0], EXIT.failed)
  }
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
