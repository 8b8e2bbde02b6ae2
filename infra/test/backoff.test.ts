import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextDelay } from '../local/backoff.ts'

test('the wait doubles from 0.2 s and ends at 5 s', () => {
  const waits: number[] = []
  for (let i = 0; i < 7; i++) waits.push(nextDelay(waits.at(-1), 0))
  assert.deepEqual(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000])
})

test('thirty seconds of health begin the waits anew', () => {
  assert.equal(nextDelay(5_000, 29_999), 5_000)
  assert.equal(nextDelay(5_000, 30_000), 200)
})

test('a program that never became ready is not taken for a healthy one', () => {
  assert.equal(nextDelay(400, Number.NEGATIVE_INFINITY), 800)
})
