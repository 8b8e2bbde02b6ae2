import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyExport } from '../src/verify-export.ts'
import { type Content, exportOf } from './entries.ts'

const erasure = (first_id: number, last_id: number, count: number): Content => ({
  event_type: 'audit.details_erased',
  details: { count, first_id, last_id, legal_basis: 'l', reason: 'r' },
})

async function verify(contents: Content[], firstId = 1) {
  const prev = firstId === 1 ? undefined : 'ab'.repeat(32)
  const lines = exportOf(contents, firstId, prev)
  async function* chunks() {
    yield lines.join('\n')
  }
  return verifyExport(chunks())
}

test('erased entries that a later entry accounts for verify', async () => {
  const verdict = await verify([{ erasedBy: 4 }, {}, { erasedBy: 4 }, erasure(1, 3, 2), {}])
  assert.deepEqual(
    [verdict.ok, verdict.erased, verdict.warnings],
    [true, 2, []],
    verdict.reason ?? '',
  )
})

for (const [what, contents, id, reason] of [
  ['names an entry that is no erasure', [{ erasedBy: 2 }, {}], 1, /no erasure accounts/],
  ['names itself', [{ erasedBy: 1 }, {}], 1, /no erasure accounts/],
  ['names an earlier entry', [erasure(2, 2, 1), { erasedBy: 1 }], 1, /counts 1 entries, and 0/],
  ['lies outside of the range', [{ erasedBy: 3 }, {}, erasure(2, 2, 1)], 1, /no erasure accounts/],
  [
    'is one more than was counted',
    [{ erasedBy: 3 }, { erasedBy: 3 }, erasure(1, 2, 1)],
    3,
    /counts 1 entries, and 2/,
  ],
  [
    'is one less than was counted',
    [{ erasedBy: 3 }, {}, erasure(1, 2, 2)],
    3,
    /counts 2 entries, and 1/,
  ],
  [
    'is of a type that is never erased',
    [{ event_type: 'policy.activated', erasedBy: 2 }, erasure(1, 1, 1)],
    1,
    /never be erased/,
  ],
  [
    'names an erasure that was itself erased',
    [{ erasedBy: 2 }, { ...erasure(1, 1, 1), erasedBy: 3 }, erasure(2, 2, 1)],
    2,
    /does not say/,
  ],
] as [string, Content[], number, RegExp][]) {
  test(`an erased entry that ${what} is a fault`, async () => {
    const verdict = await verify(contents)
    assert.equal(verdict.ok, false)
    assert.equal(verdict.first_bad_id, id, verdict.reason ?? '')
    assert.match(verdict.reason ?? '', reason)
  })
}

test('an erasure past the end of a partial export is a warning', async () => {
  const verdict = await verify([{ erasedBy: 9 }, {}])
  assert.equal(verdict.ok, true)
  assert.match(verdict.warnings.join(), /past the end/)
})

test('an erasure that reaches before the start of a partial export is a warning', async () => {
  const verdict = await verify([{ erasedBy: 12 }, {}, erasure(5, 11, 4)], 10)
  assert.equal(verdict.ok, true, verdict.reason ?? '')
  assert.match(verdict.warnings.join(), /reaches before the start/)
})
