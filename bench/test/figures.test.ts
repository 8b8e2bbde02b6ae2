import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { GOALS, isReached } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { intervalOf, median, quantile, ratioTo } from '../report/figures.ts'

test('a ratio is paired round by round: a slow moment that hits both sides leaves it alone', () => {
  const floor = [100, 10, 100]
  const [ratio] = ratioTo('INSERT', [50, 5, 60], floor)
  assert.deepEqual(ratio?.values, [0.5, 0.5, 0.6])
  assert.deepEqual(intervalOf(ratio?.values ?? []), { least: 0.5, median: 0.5, most: 0.6 })
  // The ratio of the medians would be the same; that of the means would not.
  assert.deepEqual(ratioTo('INSERT', [50], undefined), [])
  assert.throws(() => ratioTo('INSERT', [50], [1, 2]), /not pairs/)
})

test('median and quantile are of the sorted values, and of none they are no number', () => {
  assert.equal(median([9, 1, 10]), 9)
  assert.equal(median([4, 1, 2, 10]), 3)
  assert.ok(Number.isNaN(median([])))
  const hundred = Array.from({ length: 100 }, (_, i) => 99 - i)
  assert.equal(quantile(hundred, 0.99), 99)
  assert.equal(quantile(hundred, 0.5), 50)
  assert.ok(Number.isNaN(quantile([], 0.5)))
})

test('contenders take turns, the order turned around each round, and the first round is left out', async () => {
  const order: string[] = []
  let n = 0
  const contender = (name: string) => async () => {
    order.push(name)
    return n++
  }
  const contenders = { a: contender('a'), b: contender('b') }
  const measured = await interleave('x', contenders, 2, () => {})
  assert.equal(order.join(''), 'abbaab')
  assert.deepEqual(measured, { a: [3, 4], b: [2, 5] })
})

test('a goal is reached at its value, from the right side', () => {
  assert.ok(isReached(GOALS.append, 1))
  assert.ok(!isReached(GOALS.append, 0.99))
  assert.ok(isReached(GOALS.exportMemory, 64))
  assert.ok(!isReached(GOALS.exportMemory, 64.1))
})

test('every goal is measured by a subject', () => {
  const folder = join(import.meta.dirname, '..', 'subjects')
  const sources = globSync('*.ts', { cwd: folder }).map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  )
  assert.ok(sources.length > 10)
  const named = new Set([...sources.join('\n').matchAll(/GOALS\.(\w+)/g)].map(([, name]) => name))
  assert.deepEqual([...named].sort(), Object.keys(GOALS).sort())
})
