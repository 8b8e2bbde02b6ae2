import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMicroseconds, parseMicroseconds } from '@ai-governance/common/formats/timestamps'

test('an offset is taken off, and up to six decimals count', () => {
  const us = Date.UTC(2026, 10, 23, 10, 0, 0) * 1_000
  for (const text of [
    '2026-11-23T10:00:00Z',
    '2026-11-23t10:00:00z',
    '2026-11-23T12:30:00+02:30',
    '2026-11-22T21:00:00.000-13:00',
  ]) {
    assert.equal(parseMicroseconds(text), us, text)
  }
  assert.equal(parseMicroseconds('2026-11-23T10:00:00.0000019Z'), us + 1)
  assert.equal(parseMicroseconds('2026-11-23T10:00:00.5Z'), us + 500_000)
})

test('moments before 1970 count backwards to the microsecond', () => {
  assert.equal(parseMicroseconds('1969-12-31T23:59:59.999999Z'), -1)
  assert.equal(formatMicroseconds(-1), '1969-12-31T23:59:59.999999Z')
})

for (const text of [
  '2026-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-11-23T24:00:00Z',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2026-11-23T23:60:00Z',
  '2026-11-23T23:59:60Z',
  '2026-11-23T10:00:00',
  '2026-11-23T10:00Z',
  '2026-11-23 10:00:00Z',
  '2026-11-23T10:00:00+25:00',
  '2026-11-23T10:00:00.Z',
  '2026-11-23',
  '1763892000',
  '+02026-11-23T10:00:00Z',
  '',
]) {
  test(`"${text}" is no moment`, () => {
    assert.equal(parseMicroseconds(text), null)
  })
}
