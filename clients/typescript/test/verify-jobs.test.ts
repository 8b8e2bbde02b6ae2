import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyWithJobs } from '../src/cli/verify-jobs.ts'
import { readRun } from '../src/entry-run.ts'
import { type GivenTexts, readGiven } from '../src/evidence.ts'
import type { ExportVerdict } from '../src/export-verdict.ts'
import { ExportVerifier } from '../src/export-verifier.ts'
import { LineSplitter } from '../src/lines.ts'
import { MAX_LINE_BYTES, verifyExport } from '../src/verify-export.ts'
import { exportOf } from './entries.ts'
import { entryHashesOf, Signer, signedExport } from './signed-log.ts'
import { readVectors } from './vectors.ts'

async function* chunksOf(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The verdict where every block of so many lines is first read as a row of entries. */
function verdictByRuns(bytes: Uint8Array, lines: number, given: GivenTexts): ExportVerdict {
  const verifier = new ExportVerifier(readGiven(given))
  const splitter = new LineSplitter(MAX_LINE_BYTES)
  const cuts = new Set(readGiven(given).earlier.map(({ size }) => size))
  let start = 0
  while (start < bytes.length && !verifier.isOver) {
    let end = start
    for (let i = 0; i < lines && end < bytes.length; i++) {
      const found = bytes.indexOf(10, end)
      end = found === -1 ? bytes.length : found + 1
    }
    const { run, length } = readRun(bytes.subarray(start, end), cuts, MAX_LINE_BYTES)
    const from = run && verifier.join(run) ? start + length : start
    for (const line of splitter.push(bytes.subarray(from, end))) {
      if (!verifier.isOver) verifier.line(line)
    }
    start = end
  }
  for (const line of splitter.end()) if (!verifier.isOver) verifier.line(line)
  return verifier.verdict()
}

interface ExportVector {
  name: string
  text?: string
  hex?: string
  options?: GivenTexts
  verdict: object | null
}

test('every export of the vectors gets the same verdict however it is cut into rows', async () => {
  const vectors = readVectors<{ exports: ExportVector[] }>('exports.json').exports
  for (const { name, text, hex = '', options = {}, verdict } of vectors) {
    if (verdict === null) continue
    const bytes = text === undefined ? Buffer.from(hex, 'hex') : Buffer.from(text)
    const expected = await verifyExport(chunksOf(bytes, 1_000), options)
    for (const lines of [1, 3]) {
      assert.deepEqual(verdictByRuns(bytes, lines, options), expected, `${name}, ${lines} a row`)
    }
  }
})

const signer = new Signer('log.example')
/** About 13 MB, so that threads take part. */
const lines = exportOf(
  Array.from({ length: 260 }, (_, i) => ({ details: { a: i, text: 'é'.repeat(25_000) } })),
)
const log = entryHashesOf(lines)
const whole = signedExport(lines, signer)
const earlier = [10, 100, 101, 200, 260].map((size) => signer.note(log.slice(0, size)))
const given = { key: signer.verifierKey(), earlier }

async function assertSame(text: string, options: GivenTexts): Promise<ExportVerdict> {
  const bytes = Buffer.from(text)
  const expected = await verifyExport(chunksOf(bytes, 1_000_000), options)
  for (const jobs of [1, 2, 5]) {
    const verdict = await verifyWithJobs(chunksOf(bytes, 262_144), { ...options, jobs })
    assert.deepEqual(verdict, expected, `${jobs} threads`)
  }
  return expected
}

test('a large export gets its verdict from several threads', async () => {
  const verdict = await assertSame(`${whole.join('\n')}\n`, given)
  assert.deepEqual([verdict.result, verdict.entries, verdict.size], ['verified', 260, 260])
})

for (const [what, change, id] of [
  ['a changed text', (all) => all.with(200, all[200]?.replace('s@201', 's@202') ?? ''), 201],
  [
    'a changed hash',
    (all) => all.with(150, all[150]?.replace(/"entry_hash":"./, '"entry_hash":"') ?? ''),
    151,
  ],
  ['a missing entry', (all) => all.toSpliced(180, 1), 181],
  ['an entry twice', (all) => all.toSpliced(180, 0, all[180] ?? ''), 182],
  ['two entries exchanged', (all) => all.with(180, all[181] ?? '').with(181, all[180] ?? ''), 181],
  ['a line that is no JSON', (all) => all.with(250, '{'), 251],
  ['no trailer', (all) => all.slice(0, -1), null],
  ['something behind its trailer', (all) => [...all, '{}'], null],
  ['another past, rightly hashed', () => signedExport(exportOf(Array(260).fill({})), signer), 1],
] as [string, (all: string[]) => string[], number | null][]) {
  test(`a large export with ${what} gets the verdict that it gets line by line`, async () => {
    const verdict = await assertSame(`${change(whole).join('\n')}\n`, given)
    assert.deepEqual([verdict.ok, verdict.first_bad_id], [false, id], verdict.reason ?? '')
  })
}

for (const [what, change] of [
  ['blank lines', (all) => all.flatMap((line) => [line, '', ' \r'])],
  ['another spelling', (all) => all.map((line) => line.replace('{"id":', '{ "id": '))],
  ['an end without LF', (all) => all],
] as [string, (all: string[]) => string[]][]) {
  test(`a large export with ${what} is right all the same`, async () => {
    const verdict = await assertSame(change(whole).join('\n'), given)
    assert.deepEqual([verdict.result, verdict.entries], ['verified', 260], verdict.reason ?? '')
  })
}

test('a line that is too long ends the reading in threads too', async () => {
  const verdict = await assertSame(`${whole.slice(0, 150).join('\n')}\n${'x'.repeat(34e6)}\n`, {})
  assert.deepEqual([verdict.first_bad_id, verdict.line], [151, 151])
  assert.match(verdict.reason ?? '', /longer than/)
})

test('what is given wrong is refused before anything is read, and a signal stops the threads', async () => {
  async function* unread(): AsyncGenerator<Uint8Array> {
    yield assert.fail('something was read')
  }
  await assert.rejects(verifyWithJobs(unread(), { jobs: 2, key: 'x' }), /the key cannot be read/)
  const stop = new AbortController()
  const bytes = Buffer.from(`${whole.join('\n')}\n`)
  const call = verifyWithJobs(chunksOf(bytes, 262_144), {
    jobs: 2,
    signal: stop.signal,
    onProgress: ({ entries }) => {
      if (entries > 100) stop.abort(new Error('enough'))
    },
  })
  await assert.rejects(call, /enough/)
})
