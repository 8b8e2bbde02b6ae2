import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detailsHash, entryHash, eventHash } from '../src/entry-line.ts'
import { parseWireTime } from '../src/timestamps.ts'
import { type ExportVerdict, verifyExport } from '../src/verify-export.ts'
import { type Content, entryLine, exportOf, ZEROS } from './entries.ts'
import { type EntryVector, readVectors } from './vectors.ts'

async function* chunks(...parts: (string | Uint8Array)[]) {
  yield* parts
}
const verify = (lines: readonly string[]): Promise<ExportVerdict> =>
  verifyExport(chunks(lines.map((line) => `${line}\n`).join('')))
const many = (count: number): Content[] =>
  Array.from({ length: count }, (_, i) => ({ details: { a: i, text: 'é "x" \u007f' } }))

/** The verdict must name this entry and this reason. */
function assertFault(verdict: ExportVerdict, id: number | null, reason: RegExp): void {
  assert.equal(verdict.ok, false)
  assert.deepEqual(verdict.first_bad_id, id, verdict.reason ?? '')
  assert.match(verdict.reason ?? '', reason)
}

const { entries } = readVectors<{ entries: EntryVector[] }>('audit-entries.json')

for (const vector of entries) {
  test(`entry ${vector.id} of the vectors has the hashes of its vector`, () => {
    const created_at = parseWireTime(vector.created_at)
    assert.equal(created_at, BigInt(vector.created_at_us))
    assert.equal(detailsHash(vector.details_salt, vector.details), vector.details_hash)
    const entry = { ...vector, created_at: created_at as bigint, erased_by: null }
    assert.equal(Buffer.from(eventHash(entry)).toString('hex'), vector.event_hash)
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
    checkpoint: { note: 'kept' },
    verifier_key: 'k',
  }
  const verdict = await verify([...lines, JSON.stringify(trailer)])
  assert.deepEqual(verdict, {
    ok: true,
    entries: entries.length,
    first_bad_id: null,
    reason: null,
    line: null,
    first_id: 1,
    last_id: last.id,
    last_entry_hash: last.entry_hash,
    first_prev_hash: ZEROS,
    erased: 0,
    warnings: [],
    complete: true,
    checkpoint: { note: 'kept' },
    verifier_key: 'k',
    checkpoint_judged: false,
  })
})

test('an export verifies however its bytes are cut into chunks', async () => {
  const bytes = Buffer.from(exportOf(many(5)).join('\n'))
  for (const size of [1, 2, 7, 64, 1_000, bytes.length]) {
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
    const verdict = await verifyExport(chunks(...parts))
    assert.deepEqual([verdict.ok, verdict.entries], [true, 5])
  }
})

test('the export of an empty log verifies', async () => {
  const verdict = await verify(exportOf([]))
  assert.deepEqual([verdict.ok, verdict.entries, verdict.last_entry_hash], [true, 0, ZEROS])
})

test('an export that starts behind entry 1 verifies with a warning', async () => {
  const verdict = await verify(exportOf(many(3), 100, 'ab'.repeat(32)))
  assert.deepEqual(
    [verdict.ok, verdict.first_id, verdict.first_prev_hash],
    [true, 100, 'ab'.repeat(32)],
  )
  assert.match(verdict.warnings.join(), /entry 99 must be vouched for/)
})

test('an export that starts with nothing before it starts at entry 1', async () => {
  assertFault(await verify(exportOf(many(2), 5, ZEROS)), 1, /the entry is missing/)
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
    // Without the LF between them the first two lines are one, and the third names the one before it.
    else if (at === (starts[1] as number) - 1) assert.equal(verdict.first_bad_id, 2)
    else if (line < 3) assert.equal(verdict.first_bad_id, line + 1, `byte ${at}: ${verdict.reason}`)
    else assert.ok(verdict.first_bad_id === null || verdict.first_bad_id === 4, `byte ${at}`)
  }
})

for (const [what, change, id, reason] of [
  ['removed', (lines: string[]) => lines.splice(1, 1), 2, /the entry is missing/],
  ['removed at the start', (lines: string[]) => lines.splice(0, 1), null, /"count"/],
  ['removed at the end', (lines: string[]) => lines.splice(3, 1), null, /"count"/],
  [
    'doubled',
    (lines: string[]) => lines.splice(1, 0, lines[1] as string),
    3,
    /the entry is missing/,
  ],
  [
    'swapped',
    (lines: string[]) => lines.splice(1, 2, lines[2] as string, lines[1] as string),
    2,
    /missing/,
  ],
  [
    'replaced by one of its own making',
    (lines: string[]) =>
      lines.splice(1, 1, entryLine({}, 2, JSON.parse(lines[0] as string).entry_hash)),
    3,
    /prev_hash/,
  ],
  ['inserted and blank', (lines: string[]) => lines.splice(1, 0, ''), 2, /no JSON object/],
  ['the trailer and removed', (lines: string[]) => lines.splice(4, 1), null, /incomplete/],
  [
    'the trailer and doubled',
    (lines: string[]) => lines.push(lines[4] as string),
    null,
    /follows the trailer/,
  ],
] as [string, (lines: string[]) => unknown, number | null, RegExp][]) {
  test(`a line that is ${what} is noticed`, async () => {
    const lines = exportOf(many(4))
    change(lines)
    assertFault(await verify(lines), id, reason)
  })
}

for (const [what, from, to, reason] of [
  [
    'created_at that goes back',
    /"created_at":"[^"]*"/,
    '"created_at":"2025-11-24T16:00:00.000000Z"',
    /earlier/,
  ],
  [
    'created_at of a day that is none',
    /"created_at":"[^"]*"/,
    '"created_at":"2026-02-30T16:00:00.000000Z"',
    /"created_at"/,
  ],
  ['created_at with three decimals', /(\d{3})\d{3}Z/, '$1Z', /"created_at"/],
  ['an id as text', /"id":2/, '"id":"2"', /"id"/],
  ['an id with an exponent', /"id":2/, '"id":2e0', /"id"/],
  ['an id beyond 2^53', /"id":2/, '"id":9007199254740993', /"id"/],
  ['details that are no object', /"details":\{.*?\}/, '"details":[]', /"details"/],
  ['details with white space', /"details":\{"a":1/, '"details":{"a": 1', /not canonical/],
  [
    'details in another order',
    /"details":\{("a":1),("text":".*?\u007f")\}/,
    '"details":{$2,$1}',
    /not canonical/,
  ],
  [
    'details that are another number',
    /"details":\{"a":1/,
    '"details":{"a":9',
    /do not match details_hash/,
  ],
  ['details with a name twice', /"details":\{"a":1/, '"details":{"a":1,"a":1', /not canonical/],
  ['a decision that was turned', /"decision":true/, '"decision":false', /entry_hash/],
  ['a decision that is a text', /"decision":true/, '"decision":"true"', /"decision"/],
  ['a subject that was changed', /"subject":"s@2"/, '"subject":"s@3"', /entry_hash/],
  ['a subject with half a surrogate pair', /"subject":"s@2"/, '"subject":"\\ud800"', /surrogate/],
  ['an actor that was changed', /"actor":"anonymous"/, '"actor":null', /entry_hash/],
  ['an actor that is an array', /"actor":"anonymous"/, '"actor":["anonymous"]', /"actor"/],
  ['a hash in upper case', /"entry_hash":"([^"]*)"/, '"entry_hash":"ABCDEF$1"', /"entry_hash"/],
  ['another salt', /"details_salt":"../, '"details_salt":"00', /details_hash/],
  ['no salt', /"details_salt":"[^"]*"/, '"details_salt":null', /no erasure accounts/],
  ['a member too many', /"decision":true/, '"decision":true,"also":1', /no entry has/],
  ['a member too few', /"request_id":null,/, '', /"request_id" is missing/],
] as [string, RegExp, string, RegExp][]) {
  test(`an entry with ${what} is refused by its id`, async () => {
    const lines = exportOf(many(3))
    const changed = (lines[1] as string).replace(from, to)
    assert.notEqual(changed, lines[1])
    lines[1] = changed
    const verdict = await verify(lines)
    assertFault(verdict, 2, reason)
    assert.deepEqual([verdict.entries, verdict.line], [1, 2])
  })
}

for (const [what, from, to] of [
  ['another count', /"count":3/, '"count":4'],
  ['a count with an exponent', /"count":3/, '"count":3e0'],
  ['another first id', /"first_id":1/, '"first_id":2'],
  ['another last id', /"last_id":3/, '"last_id":null'],
  ['another hash', /"last_entry_hash":"../, '"last_entry_hash":"zz'],
  ['trailer false', /"trailer":true/, '"trailer":false'],
  ['a member too many', /"trailer":true/, '"trailer":true,"also":1'],
  ['a member too few', /"checkpoint":null,/, ''],
  ['a checkpoint with a name twice', /"checkpoint":null/, '"checkpoint":{"a":1,"a":2}'],
] as [string, RegExp, string][]) {
  test(`a trailer with ${what} is refused`, async () => {
    const lines = exportOf(many(3))
    const changed = (lines[3] as string).replace(from, to)
    assert.notEqual(changed, lines[3])
    lines[3] = changed
    assertFault(await verify(lines), null, /trailer/)
  })
}
