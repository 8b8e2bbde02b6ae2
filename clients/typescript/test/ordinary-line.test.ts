import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { sha256Hex, toHex } from '../src/bytes.ts'
import { readEntry, readMembers } from '../src/entry-line.ts'
import { isCanonicalJson } from '../src/json-text.ts'
import { readOrdinaryEntry } from '../src/ordinary-line.ts'
import { type Content, entryLine, ZEROS } from './entries.ts'

/** What the longer way makes of a line; null if it takes it for no entry, or its details for not canonical. */
function readAtLength(line: string) {
  const read = readMembers(line)
  const entry = 'fault' in read ? read : readEntry(read.members)
  if ('fault' in entry || entry.details === null || !isCanonicalJson(entry.details)) return null
  return { ...entry, isCanonical: true }
}

const CONTENTS: Content[] = [
  {},
  { details: { a: 1, b: [true, null, { c: 'é "x" \u007f \u2028' }] } },
  { details: { details_salt: 'x', deep: { a: 1, details_salt: 'y', z: '","details_salt":"' } } },
  { event_type: 'é', subject: ' x\u007f\u2028 ' },
  { event_type: '' },
]
const LINES = CONTENTS.map((content, i) => entryLine(content, i + 1, ZEROS))

test('lines as the service writes them are read the shorter way, and alike', () => {
  for (const [i, line] of LINES.entries()) {
    const entry = readOrdinaryEntry(line)
    // A member of that name in the details is found first, and leads to the longer way.
    if (i === 2) assert.equal(entry, null)
    else assert.deepEqual(entry, readAtLength(line))
  }
})

test('what the shorter way takes the longer one takes alike, whatever is changed in a line', () => {
  const piece = fc.constantFrom(
    ...['"', '\\', '{', '}', ',', ':', ' ', '0', 'a', 'A', 'g', 'null', '\\u0041', '\\n', '\t'],
    ...[
      'é',
      '\ud800',
      '"a":1,',
      ',"details_salt":"',
      '"actor":null',
      '-',
      '1.0',
      '9999999999999999',
    ],
  )
  const change = fc.record({
    line: fc.constantFrom(...LINES),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat(3),
    added: fc.oneof(fc.constant(''), piece),
  })
  let taken = 0
  fc.assert(
    fc.property(change, ({ line, at, removed, added }) => {
      const from = Math.floor(at * line.length)
      // As it comes out of a decoder: well-formed.
      const text = (line.slice(0, from) + added + line.slice(from + removed)).toWellFormed()
      const entry = readOrdinaryEntry(text)
      if (entry === null) return
      taken++
      assert.deepEqual(entry, readAtLength(text))
    }),
    { numRuns: 30_000 },
  )
  assert.ok(taken > 500)
})

test('a hash is the same by the platform and by the library that stands in for it', () => {
  for (const text of ['', 'abc', 'é\u{1f600}', 'x'.repeat(10_000)]) {
    const bytes = new TextEncoder().encode(text)
    assert.equal(sha256Hex(text), toHex(sha256(bytes)))
    assert.equal(sha256Hex(bytes), toHex(sha256(bytes)))
  }
})
