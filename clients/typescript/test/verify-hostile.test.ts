import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExportVerdict } from '../src/export-verdict.ts'
import { verifyExport } from '../src/verify-export.ts'
import { type Content, exportOf } from './entries.ts'

async function* chunks(...parts: (string | Uint8Array)[]) {
  yield* parts
}
const verify = (lines: readonly string[]): Promise<ExportVerdict> =>
  verifyExport(chunks(lines.map((line) => `${line}\n`).join('')))
const many = (count: number): Content[] =>
  Array.from({ length: count }, (_, i) => ({ details: { a: i } }))

/** The verdict must name this entry and this reason. */
function assertFault(verdict: ExportVerdict, id: number | null, reason: RegExp): void {
  assert.equal(verdict.ok, false)
  assert.deepEqual(verdict.first_bad_id, id, verdict.reason ?? '')
  assert.match(verdict.reason ?? '', reason)
}

test('hostile lines get a verdict', async () => {
  const [first] = exportOf(many(1)) as [string]
  const deep = `{"details":${'['.repeat(1_000_000)}`
  for (const line of [
    'null',
    '[]',
    '7',
    '"x"',
    '{}',
    '{"id":1}',
    deep,
    '\u0000',
    '{"__proto__":1}',
    `${first}${first}`,
    '{"trailer":true}',
    '{"trailer":[]}',
    `\ufeff${exportOf(many(2))[1]}`,
  ]) {
    assert.equal((await verify([line])).ok, false)
    assertFault(await verify([first, line]), /trailer/.test(line) ? null : 2, /./)
  }
  const bytes = await verifyExport(chunks(`${first}\n`, Uint8Array.of(0xff, 0xfe, 10)))
  assertFault(bytes, 2, /UTF-8/)
  assert.equal((await verifyExport(chunks())).reason?.includes('incomplete'), true)
})

test('a line without an end takes no more memory than a line may have', async () => {
  let given = 0
  async function* endless() {
    const chunk = new Uint8Array(65_536).fill(0x20)
    for (;;) {
      given += chunk.length
      yield chunk
    }
  }
  const verdict = await verifyExport(endless(), { maxLineBytes: 1_000_000 })
  assertFault(verdict, null, /longer than 1000000 bytes/)
  assert.ok(given < 1_200_000)
})

test('a fault ends the reading: what follows is not fetched', async () => {
  let ended = false
  async function* source() {
    try {
      yield `${exportOf(many(1))[0]}\n{}\n`
      assert.fail('read on')
    } finally {
      ended = true
    }
  }
  assert.equal((await verifyExport(source())).ok, false)
  assert.equal(ended, true)
})

test('what reading the chunks throws is thrown on, and a signal stops the work', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield '{'
    throw new Error('disk')
  }
  await assert.rejects(verifyExport(broken()), /disk/)
  const signal = AbortSignal.abort(new Error('enough'))
  await assert.rejects(verifyExport(chunks(exportOf(many(2)).join('\n')), { signal }), /enough/)
})

test('progress is told every thousand entries', async () => {
  const seen: number[] = []
  const text = `${exportOf(many(2_500)).join('\n')}\n`
  await verifyExport(chunks(text), { onProgress: ({ entries: n }) => seen.push(n) })
  assert.deepEqual(seen, [1_000, 2_000])
})

test('a first line that is too long is named by how it begins', async () => {
  const [first] = exportOf(many(1), 7, 'ab'.repeat(32)) as [string]
  const verdict = await verifyExport(chunks(first), { maxLineBytes: 100 })
  assertFault(verdict, 7, /longer than 100 bytes/)
})
