import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idempotencyKey } from '@ai-governance/common/requests/idempotency-key'

const read = (...values: string[]) =>
  idempotencyKey(['Host', 'x', ...values.flatMap((value) => ['Idempotency-Key', value])])

test('a key of 1 to 200 visible ASCII characters is read as it is, under a name of any case', () => {
  for (const key of ['a', '!', '~', '"quoted"', 'a,b;c=d', 'k'.repeat(200)]) {
    assert.equal(read(key), key)
    assert.equal(idempotencyKey(['IDEMPOTENCY-KEY', key]), key)
  }
})

test('no key is null, whatever stands in the values of other headers', () => {
  assert.equal(idempotencyKey([]), null)
  assert.equal(idempotencyKey(['X', 'Idempotency-Key', 'Idempotency-Key2', 'a']), null)
})

test('any other key is refused', () => {
  for (const key of ['', 'a b', 'a, b', 'a\tb', 'é', '\x7f', 'k'.repeat(201)]) {
    assert.throws(() => read(key), { code: 'invalid_idempotency_key', status: 400 }, key)
  }
})

test('two keys are refused, also where both are the same or one is empty', () => {
  for (const keys of [
    ['a', 'a'],
    ['a', 'b'],
    ['', 'a'],
  ]) {
    assert.throws(() => read(...keys), { code: 'duplicate_header', status: 400 })
  }
})
