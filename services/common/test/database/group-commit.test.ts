import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { GroupCommit } from '@ai-governance/common/database/group-commit'
import { ApiError } from '@ai-governance/common/errors'

class BadItem extends Error {}

/** A queue whose batches wait until the test lets them go. */
function controlled() {
  const batches: { items: string[]; finish: () => void; fail: (error: Error) => void }[] = []
  const queue = new GroupCommit<string, string>({
    commit: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, finish: () => resolve(items.map((i) => `<${i}>`)), fail: reject })
      }),
    isItemFault: (error) => error instanceof BadItem,
    maxItems: 3,
    maxBytes: 100,
    maxWaiting: 5,
    maxWaitingBytes: 5_000,
  })
  /** The batch of this number, once it is out. */
  const batch = async (n: number) => {
    while (batches.length <= n) await setImmediate()
    return batches[n] as (typeof batches)[number]
  }
  return { queue, batches, batch }
}

async function codes(settled: Promise<PromiseSettledResult<string>[]>) {
  return (await settled).map((result) =>
    result.status === 'rejected' ? result.reason.code : 'fine',
  )
}

test('an item goes out at once, and what arrives meanwhile is the next batch', async () => {
  const { queue, batch } = controlled()
  const first = queue.submit('a', 1)
  assert.deepEqual((await batch(0)).items, ['a'])
  const others = ['b', 'c'].map((item) => queue.submit(item, 1))
  ;(await batch(0)).finish()
  assert.equal(await first, '<a>')
  assert.deepEqual((await batch(1)).items, ['b', 'c'])
  ;(await batch(1)).finish()
  assert.deepEqual(await Promise.all(others), ['<b>', '<c>'])
})

test('a batch holds no more items and bytes than allowed, but always one', async () => {
  const { queue, batches, batch } = controlled()
  const sizes = { a: 1, b: 40, c: 40, d: 40, e: 1_000 }
  const all = Object.entries(sizes).map(([item, bytes]) => queue.submit(item, bytes))
  for (let n = 0; n < 3; n++) (await batch(n)).finish()
  await Promise.all(all)
  assert.deepEqual(
    batches.map(({ items }) => items),
    [['a', 'b', 'c'], ['d'], ['e']],
  )
})

test('more than the queue holds is refused as overloaded, and what waits is not lost', async () => {
  const { queue, batch } = controlled()
  const first = queue.submit('first', 1)
  await batch(0)
  const waiting = Array.from({ length: 5 }, (_, i) => queue.submit(String(i), 1))
  assert.throws(
    () => queue.submit('too much', 1),
    (error) => error instanceof ApiError && error.code === 'overloaded',
  )
  for (let n = 0; n < 3; n++) (await batch(n)).finish()
  assert.equal((await Promise.all([first, ...waiting])).length, 6)
})

test('more bytes than the queue holds are refused as overloaded too, until they are out', async () => {
  const { queue, batch } = controlled()
  const first = queue.submit('first', 1)
  await batch(0)
  const large = queue.submit('large', 5_000)
  assert.throws(() => queue.submit('small', 1), { code: 'overloaded' })
  ;(await batch(0)).finish()
  ;(await batch(1)).finish()
  await Promise.all([first, large])
  const last = queue.submit('last', 1)
  ;(await batch(2)).finish()
  assert.equal(await last, '<last>')
})

test('one bad item fails alone: its neighbours are written one by one', async () => {
  const { queue, batches, batch } = controlled()
  const settled = Promise.allSettled(['a', 'bad', 'c'].map((item) => queue.submit(item, 1)))
  ;(await batch(0)).fail(new BadItem())
  ;(await batch(1)).finish()
  ;(await batch(2)).fail(new BadItem())
  ;(await batch(3)).finish()
  assert.deepEqual(
    (await settled).map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    batches.map(({ items }) => items),
    [['a', 'bad', 'c'], ['a'], ['bad'], ['c']],
  )
})

test('when the database goes away while a batch is written one by one, nobody is left waiting', async () => {
  const { queue, batch } = controlled()
  const settled = Promise.allSettled(['bad', 'b', 'c'].map((item) => queue.submit(item, 1)))
  ;(await batch(0)).fail(new BadItem())
  ;(await batch(1)).fail(new ApiError('outcome_unknown'))
  // Only what was sent is in doubt.
  assert.deepEqual(await codes(settled), [
    'outcome_unknown',
    'database_unavailable',
    'database_unavailable',
  ])
})

test('when a batch fails as a whole, what waited behind it is answered too, and the next item is tried', async () => {
  const { queue, batch } = controlled()
  const first = queue.submit('a', 1)
  await batch(0)
  const settled = Promise.allSettled([first, queue.submit('b', 1)])
  ;(await batch(0)).fail(new ApiError('database_busy'))
  assert.deepEqual(await codes(settled), ['database_busy', 'database_busy'])
  const third = queue.submit('c', 1)
  ;(await batch(1)).finish()
  assert.equal(await third, '<c>')
})

test('drained resolves only after the last item', async () => {
  const { queue, batch } = controlled()
  const item = queue.submit('a', 1)
  const order: string[] = []
  const done = queue.drained().then(() => order.push('drained'))
  void item.then(() => order.push('item'))
  ;(await batch(0)).finish()
  await done
  assert.deepEqual(order, ['item', 'drained'])
})
