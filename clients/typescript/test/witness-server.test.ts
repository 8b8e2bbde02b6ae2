import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readCheckpoint, splitNotes } from '../src/checkpoint.ts'
import { cosignedAt, isSignedBy, readNote, readVerifierKey } from '../src/signed-note.ts'
import { aigov } from './aigov.ts'
import { ask, makeWitness, startWitness, TestLog } from './witness-log.ts'

const entries = Array.from({ length: 60 }, (_, i) => hash('sha256', `entry ${i + 1}`))
const log = new TestLog(entries)
const fork = new TestLog(entries.with(2, hash('sha256', 'rewritten')))
const logKey = readVerifierKey(log.vkey)

/** A folder with the key and the memory of a new witness. */
async function newWitness(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'aigov-witness-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await makeWitness(folder)
  return folder
}

const stateOf = (folder: string) => join(folder, 'witness-state')
/** The notes that a witness keeps, without evidence of forks. */
const keptNotes = (folder: string) =>
  readdirSync(stateOf(folder))
    .filter((name) => name.endsWith('.note') && !name.includes('fork'))
    .map((name) => readFileSync(join(stateOf(folder), name), 'utf8'))

test('a log that grows is cosigned at each step, and what was cosigned last is kept as a note', async (t) => {
  const folder = await newWitness(t)
  const other = new TestLog(entries.slice(20), 'example.org/other')
  const witness = await startWitness(t, folder, [log.vkey, other.vkey])
  for (const [grown, steps] of [
    [log, [0, 0, 1, 7, 7, 8, 60]],
    [other, [40]],
  ] as const) {
    let old = 0
    for (const size of steps) {
      const { status, type, text } = await ask(witness.url, grown.request(old, size))
      assert.deepEqual([status, type], [200, 'text/plain; charset=utf-8'])
      const time = cosignedAt(readNote(grown.note(size) + text), witness.key)
      assert.ok(time !== null && Math.abs(Number(time) - Date.now() / 1000) < 600)
      old = size
    }
  }
  const notes = keptNotes(folder).map(readCheckpoint)
  assert.deepEqual(notes.map(({ origin, size }) => [origin, size]).sort(), [
    [log.origin, 60],
    [other.origin, 40],
  ])
  for (const { note } of notes) assert.ok(cosignedAt(note, witness.key) !== null)
  assert.deepEqual(
    new Set(witness.log().map(({ level, msg }) => `${level} ${msg}`)),
    new Set(['info cosigned']),
  )
  assert.equal(await witness.end('SIGTERM'), 0)
})

test('signatures on a checkpoint that are not those of the log are not kept', async (t) => {
  const folder = await newWitness(t)
  const { url } = await startWitness(t, folder, [log.vkey])
  const stranger = '— stranger.example AAAAAAAAAAAAAAAA\n'
  assert.equal((await ask(url, log.request(0, 5) + stranger)).status, 200)
  assert.equal(keptNotes(folder)[0]?.includes('stranger'), false)
})

test('each reason to refuse has the status of the protocol', async (t) => {
  const { url, ...witness } = await startWitness(t, await newWitness(t), [log.vkey])
  assert.equal((await ask(url, log.request(0, 5))).status, 200)
  const unknown = new TestLog(entries, 'example.org/unknown')
  const unsigned = log.request(5, 9).replace(/— .*\n$/, `— ${log.origin} AAAAAAAAAAAAAAAA\n`)
  const bad = log.request(5, 9)
  for (const [body, status, text] of [
    ['', 400, /^a request is/],
    [unknown.request(0, 5), 404, /does not know/],
    [unsigned, 403, /not signed/],
    [`old 9\n\n${log.note(5)}`, 400, /larger than/],
    [log.request(0, 9), 409, /^5\n$/],
    [log.request(4, 9), 409, /^5\n$/],
    [log.request(9, 9), 409, /^5\n$/],
    [fork.request(5, 9), 422, /does not show/],
    [bad.replace(/\n.*\n/, '\n'), 422, /does not show/],
    [fork.request(5, 5), 409, /forked/],
  ] as const) {
    const answer = await ask(url, body)
    assert.deepEqual([answer.status, text.test(answer.text)], [status, true], answer.text)
    const type = text.source.startsWith('^5') ? 'text/x.tlog.size' : 'text/plain; charset=utf-8'
    assert.equal(answer.type, type)
  }
  // Nothing of that has changed what it remembers.
  assert.equal((await ask(url, log.request(5, 9))).status, 200)
  const logged = witness.log().filter(({ level }) => level === 'error')
  assert.deepEqual(
    logged.map(({ status }) => status),
    [422, 422, 409],
  )
})

test('what is no request of the protocol is refused, also by size, and the witness goes on', async (t) => {
  const { url } = await startWitness(t, await newWitness(t), [log.vkey])
  assert.equal((await fetch(url)).status, 404)
  assert.equal((await fetch(`${url}/add-checkpoint?x`, { method: 'POST' })).status, 404)
  const got = await fetch(`${url}/add-checkpoint`)
  assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST'])
  assert.equal((await ask(url, Uint8Array.of(0xff))).status, 400)
  assert.equal((await ask(url, `\ufeff${log.request(0, 5)}`)).status, 400)
  assert.equal((await ask(url, 'x'.repeat(70_000))).status, 413)
  // Breaks off in the middle of its body.
  await new Promise<void>((resolve) => {
    const headers = { 'content-length': 1_000 }
    const broken = request(`${url}/add-checkpoint`, { method: 'POST', headers })
    broken.on('error', () => resolve())
    broken.on('close', () => resolve())
    broken.write('old 0\n', () => broken.destroy())
  })
  assert.equal((await ask(url, log.request(0, 5))).status, 200)
})

test('of a fork nothing is cosigned, and both notes are kept as evidence', async (t) => {
  const folder = await newWitness(t)
  const { url, key } = await startWitness(t, folder, [log.vkey])
  assert.equal((await ask(url, log.request(0, 8))).status, 200)
  for (let n = 0; n < 3; n++) assert.equal((await ask(url, fork.request(8, 8))).status, 409)
  assert.equal((await ask(url, fork.request(8, 30))).status, 422)
  const evidence = readdirSync(stateOf(folder)).filter((name) => name.includes('fork'))
  assert.equal(evidence.length, 1)
  const text = readFileSync(join(stateOf(folder), evidence[0] ?? ''), 'utf8')
  const [first, second, ...more] = splitNotes(text).map(readCheckpoint)
  assert.ok(first && second && more.length === 0)
  assert.ok(isSignedBy(first.note, logKey) && isSignedBy(second.note, logKey))
  assert.deepEqual([first.size, second.size, first.root === second.root], [8, 8, false])
  assert.ok(cosignedAt(first.note, key) !== null && cosignedAt(second.note, key) === null)
})

/** Sends requests of two forks at once and returns what was cosigned, in the order of the answers. */
async function race(urls: readonly string[], rounds: number): Promise<[number, string][]> {
  const cosigned: [number, string][] = []
  for (let round = 0, old = 0; round < rounds; round++) {
    const bodies = [log, fork, log, fork].flatMap((one) =>
      [old + 3, old + 4, old + 5].map((size) => ({ size, one, body: one.request(old, size) })),
    )
    await Promise.all(
      bodies.map(async ({ size, one, body }, i) => {
        const { status } = await ask(urls[i % urls.length] as string, body)
        if (status === 200) cosigned.push([size, one === log ? 'log' : 'fork'])
        else assert.ok([409, 422].includes(status))
      }),
    )
    old = Math.max(...cosigned.map(([size]) => size))
  }
  return cosigned
}

for (const [what, processes] of [
  ['one witness', 1],
  ['two processes of one witness, by mistake', 2],
] as const) {
  test(`of two forks that come at once ${what} cosigns one alone`, async (t) => {
    const folder = await newWitness(t)
    const urls: string[] = []
    for (let n = 0; n < processes; n++) urls.push((await startWitness(t, folder, [log.vkey])).url)
    const cosigned = await race(urls, 8)
    // Both forks begin alike: which one it is shows at size 3, where all of these are.
    assert.equal(new Set(cosigned.map(([, which]) => which)).size, 1)
    assert.ok(cosigned.length >= 8)
    assert.equal(keptNotes(folder).length, 1)
    assert.ok(Math.max(...cosigned.map(([size]) => size)) >= 24)
  })
}

test('a witness that is killed at any moment remembers at least what it has cosigned', async (t) => {
  const folder = await newWitness(t)
  let given = 0
  for (let round = 0; round < 12; round++) {
    const { url, end } = await startWitness(t, folder, [log.vkey])
    // No old size that it could have: the answer is what it remembers.
    const stored = await ask(url, log.request(59, 60))
    const size = Number(stored.text)
    assert.ok(size >= given, `${size} is remembered, ${given} was cosigned`)
    if (size >= 3) assert.equal((await ask(url, fork.request(size, size))).status, 409)
    // Killed while one of several is under way: which one, the moment decides.
    let next = size
    const asked = (async () => {
      for (; next < Math.min(size + 5, 59); next++) {
        if ((await ask(url, log.request(next, next + 1))).status === 200) given = next + 1
      }
    })().catch(() => {})
    while (next < size + (round % 4) && next < 58) await new Promise(setImmediate)
    await end('SIGKILL')
    await asked
  }
  assert.ok(given > 10, `${given} were cosigned`)
})

test('nothing is cosigned that cannot be recorded', async (t) => {
  const folder = await newWitness(t)
  const { url, ...witness } = await startWitness(t, folder, [log.vkey])
  assert.equal((await ask(url, log.request(0, 5))).status, 200)
  rmSync(stateOf(folder), { recursive: true })
  const { status, text } = await ask(url, log.request(5, 9))
  assert.deepEqual([status, text], [500, 'the witness cannot keep its record\n'])
  assert.equal(witness.log().at(-1)?.level, 'error')
})

test('a witness does not start without its memory, with a spoiled one, or with that of another key', async (t) => {
  const folder = await newWitness(t)
  const { url, end } = await startWitness(t, folder, [log.vkey])
  assert.equal((await ask(url, log.request(0, 5))).status, 200)
  await end('SIGTERM')
  const run = async (...args: string[]) => {
    const options = ['--log', log.vkey, '--listen', '127.0.0.1:0', ...args]
    const { code, out, err } = await aigov(['witness', ...options], { cwd: folder })
    assert.deepEqual([code, out], [2, ''])
    return err
  }
  assert.match(await run('--state', 'nowhere'), /never made anew for an old key/)
  const other = ['--name', 'w2', '--key', 'other.pem', '--state', 'other']
  assert.equal((await aigov(['witness', 'keygen', ...other], { cwd: folder })).code, 0)
  assert.match(await run('--state', 'other'), /is the folder of another key/)
  const file = readdirSync(stateOf(folder)).find((name) => name.endsWith('.note')) ?? ''
  writeFileSync(join(stateOf(folder), file), '')
  assert.match(await run(), /is what this witness remembers of example\.org\/audit/)
})

test('keygen overwrites neither a key nor a memory, and leaves nothing behind where it fails', async (t) => {
  const folder = await newWitness(t)
  const before = readdirSync(folder)
  const keygen = (...args: string[]) =>
    aigov(['witness', 'keygen', '--name', 'w', ...args], { cwd: folder })
  assert.match((await keygen()).err, /private_key\.pem is there already/)
  assert.match((await keygen('--key', 'new.pem')).err, /state is there already/)
  const failed = await keygen('--key', 'no/such/folder.pem', '--state', 'new')
  assert.equal(failed.code, 1)
  const badName = await aigov(['witness', 'keygen', '--name', 'a b'], { cwd: folder })
  assert.deepEqual([badName.code, badName.out], [2, ''])
  assert.deepEqual(readdirSync(folder), before)
})

test('wrong options and a port that is taken are told apart', async (t) => {
  const folder = await newWitness(t)
  const { url } = await startWitness(t, folder, [log.vkey])
  const run = (...args: string[]) => aigov(['witness', ...args], { cwd: folder })
  assert.equal((await run()).code, 2)
  assert.equal((await run('--log', 'nonsense')).code, 2)
  assert.equal((await run('--log', log.vkey, '--listen', 'here')).code, 2)
  const taken = await run('--log', log.vkey, '--listen', url.slice('http://'.length))
  assert.equal(taken.code, 1)
  assert.match(taken.err, /^It cannot listen on /)
})
