import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detailsHash, entryHash, eventHash } from '../src/entry-hash.ts'
import type { GivenTexts } from '../src/evidence.ts'
import type { ExportVerdict } from '../src/export-verdict.ts'
import { NoteError } from '../src/signed-note.ts'
import { parseWireTime } from '../src/timestamps.ts'
import { verifyExport } from '../src/verify-export.ts'
import { type Content, exportOf, ZEROS } from './entries.ts'
import { leavesOf, rootOf } from './tree.ts'
import { type EntryVector, readVectors } from './vectors.ts'

async function* chunks(...parts: (string | Uint8Array)[]) {
  yield* parts
}
const verify = (lines: readonly string[]): Promise<ExportVerdict> =>
  verifyExport(chunks(lines.map((line) => `${line}\n`).join('')))
const many = (count: number): Content[] =>
  Array.from({ length: count }, (_, i) => ({ details: { a: i, text: 'é "x" \u007f' } }))

const { entries } = readVectors<{ entries: EntryVector[] }>('audit-entries.json')

for (const vector of entries) {
  test(`entry ${vector.id} of the vectors has the hashes of its vector`, () => {
    const created_at = parseWireTime(vector.created_at)
    assert.equal(created_at, BigInt(vector.created_at_us))
    assert.equal(detailsHash(vector.details_salt, vector.details), vector.details_hash)
    const entry = {
      ...vector,
      created_at: created_at as bigint,
      erased_by: null,
      isCanonical: false,
    }
    assert.equal(eventHash(entry), vector.event_hash)
    assert.equal(entryHash(entry), vector.entry_hash)
  })
}

test('the vectors as an export verify', async () => {
  const lines = entries.map(({ created_at_us, event_hash, details, ...rest }) => {
    const { envelope, ...wire } = rest as typeof rest & { envelope: string }
    return JSON.stringify(wire).replace('"details_salt"', `"details":${details},"details_salt"`)
  })
  const last = entries.at(-1) as EntryVector
  const trailer = {
    trailer: true,
    count: entries.length,
    first_id: 1,
    last_id: last.id,
    last_entry_hash: last.entry_hash,
    checkpoint: null,
    verifier_key: null,
  }
  const verdict = await verify([...lines, JSON.stringify(trailer)])
  assert.deepEqual(verdict, {
    ok: true,
    result: 'not_pinned',
    entries: entries.length,
    first_bad_id: null,
    reason: null,
    line: null,
    first_id: 1,
    last_id: last.id,
    last_entry_hash: last.entry_hash,
    first_prev_hash: ZEROS,
    erased: 0,
    unaccounted: 0,
    warnings: [],
    complete: true,
    checkpoint: null,
    verifier_key: null,
    origin: null,
    size: null,
    root: rootOf(leavesOf(entries.map(({ entry_hash }) => entry_hash))),
    signature: 'none',
    unjudged: 0,
    witnesses: [],
  })
})

interface ExportVector {
  name: string
  /** The export, or its bytes in hex where they are no text. */
  text?: string
  hex?: string
  /** What a person gives. */
  options?: GivenTexts
  /** What is compared of the verdict, `warnings` as how many there are; null is wrong usage. */
  verdict: Record<string, unknown> | null
}

for (const vector of readVectors<{ exports: ExportVector[] }>('exports.json').exports) {
  test(`the export of the vectors gets its verdict: ${vector.name}`, async () => {
    const bytes = vector.text ?? Buffer.from(vector.hex as string, 'hex')
    const call = verifyExport(chunks(bytes), vector.options)
    if (vector.verdict === null) return assert.rejects(call, NoteError)
    const verdict = await call
    const found = { ...verdict, warnings: verdict.warnings.length }
    const compared = Object.entries(found).filter(([name]) =>
      Object.hasOwn(vector.verdict ?? {}, name),
    )
    assert.deepEqual(Object.fromEntries(compared), vector.verdict, verdict.reason ?? '')
  })
}

test('an export verifies however its bytes are cut into chunks', async () => {
  const bytes = Buffer.from(exportOf(many(5)).join('\n'))
  for (const size of [1, 2, 7, 64, 1_000, bytes.length]) {
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
    const verdict = await verifyExport(chunks(...parts))
    assert.deepEqual([verdict.ok, verdict.entries], [true, 5])
  }
})

test('one changed bit anywhere in an export is noticed', async () => {
  const lines = exportOf(many(3))
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  const starts = lines.map((_, i) => Buffer.byteLength(lines.slice(0, i).join('\n')) + (i && 1))
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ (1 << (at % 8))
    const verdict = await verifyExport(chunks(changed))
    const line = starts.findLastIndex((start) => start <= at)
    // The end of the last line may be missing, and white space between members means nothing.
    const harmless =
      at === bytes.length - 1 || /\s/.test(String.fromCharCode(changed[at] as number))
    if (verdict.ok) assert.ok(harmless, `byte ${at}`)
    else if (line < 3) assert.equal(verdict.first_bad_id, line + 1, `byte ${at}: ${verdict.reason}`)
    else assert.ok(verdict.first_bad_id === null || verdict.first_bad_id === 4, `byte ${at}`)
  }
})
