import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  detailsHash,
  entryHash,
  entryJson,
  eventHash,
} from '@ai-governance/common/formats/audit-entry'
import { canonicalJson } from '@ai-governance/common/formats/canonical-json'
import { parseStrictJson, StrictJsonError } from '@ai-governance/common/formats/strict-json'
import { formatMicroseconds, parseMicroseconds } from '@ai-governance/common/formats/timestamps'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../docs/vectors/${name}`, import.meta.url), 'utf8'))

const json: {
  canonical: { text: string; canonical: string }[]
  accepted: string[]
  refused: { text: string; why: string }[]
  refused_bytes: { hex: string; why: string }[]
} = read('json.json')

for (const { text, canonical } of json.canonical) {
  test(`${text} has the canonical form ${canonical}`, () => {
    const value = parseStrictJson(Buffer.from(text))
    assert.equal(canonicalJson(value), canonical)
    assert.equal(canonicalJson(JSON.parse(canonical)), canonical)
  })
}

for (const text of json.accepted) {
  test(`strict JSON takes ${text.slice(0, 40)}`, () => {
    assert.deepEqual(parseStrictJson(Buffer.from(text)), JSON.parse(text))
  })
}

for (const { text, why } of json.refused) {
  test(`strict JSON refuses ${JSON.stringify(text.slice(0, 40))}: ${why}`, () => {
    assert.throws(() => parseStrictJson(Buffer.from(text)), StrictJsonError)
  })
}

for (const { hex, why } of json.refused_bytes) {
  test(`strict JSON refuses the bytes ${hex}: ${why}`, () => {
    assert.throws(() => parseStrictJson(Buffer.from(hex, 'hex')), StrictJsonError)
  })
}

for (const entry of read('audit-entries.json').entries) {
  test(`audit entry ${entry.id} has the hashes of its vector`, () => {
    assert.equal(detailsHash(entry.details_salt, entry.details), entry.details_hash)
    assert.equal(eventHash(entry), entry.event_hash)
    assert.equal(
      entryHash(entry.prev_hash, entry.id, entry.created_at_us, entry.event_hash),
      entry.entry_hash,
    )
  })

  test(`audit entry ${entry.id} goes out with exactly the members of the format`, () => {
    const wire = JSON.parse(entryJson({ ...entry, erased_by: null }))
    assert.deepEqual(Object.keys(wire), [
      ...['id', 'event_type', 'subject', 'decision', 'details', 'details_salt', 'details_hash'],
      ...['actor', 'request_id', 'created_at', 'prev_hash', 'entry_hash'],
    ])
    assert.equal(wire.created_at, entry.created_at)
    assert.equal(canonicalJson(wire.details), entry.details)
  })

  test(`the time of audit entry ${entry.id} survives the wire to the microsecond`, () => {
    assert.equal(formatMicroseconds(entry.created_at_us), entry.created_at)
    assert.equal(parseMicroseconds(entry.created_at), entry.created_at_us)
  })
}
