import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPeak } from '../load/peak.ts'

const upTo = (capacity: number) => async (rate: number) => (rate <= capacity ? rate : null)

test('the peak is found to within five hundredths, wherever it is', async () => {
  for (const capacity of [250, 290, 499, 501, 1_140, 1_999, 7_777]) {
    const peak = await findPeak(250, upTo(capacity))
    assert.ok(peak <= capacity && peak * 1.05 > capacity, `${peak} of ${capacity}`)
  }
})

test('a server that does not sustain the slowest rate has no peak', async () => {
  await assert.rejects(findPeak(250, upTo(200)), /not even 250 requests a second/)
})
