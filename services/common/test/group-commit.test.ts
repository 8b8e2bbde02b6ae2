import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '@ai-governance/common/errors'
import { GroupCommit } from '@ai-governance/common/group-commit'

class BadItem extends Error {}

/** A queue whose batches wait until the test lets them go. */
function controlled(limits: { maxItems?: number; maxBytes?: number; maxWaiting?: number } = {}) {
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
    ...limits,
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { queue, batches, turn }
}

test('an item goes out at once, and what arrives meanwhile is the next batch', async () => {
  const { queue, batches, turn } = controlled()
  const first = queue.submit('a', 1)
  await turn()
  const others = ['b', 'c'].map((item) => queue.submit(item, 1))
  await turn()
  assert.deepEqual(
    batches.map((b) => b.items),
    [['a']],
  )
  batches[0]?.finish()
  assert.equal(await first, '<a>')
  await turn()
  assert.deepEqual(batches[1]?.items, ['b', 'c'])
  batches[1]?.finish()
  assert.deepEqual(await Promise.all(others), ['<b>', '<c>'])
})

test('a batch holds no more items and bytes than allowed, but always one', async () => {
  const { queue, batches, turn } = controlled()
  const all = [
    queue.submit('a', 1),
    ...['b', 'c', 'd', 'e'].map((item, i) => queue.submit(item, i === 3 ? 1000 : 40)),
  ]
  for (let i = 0; i < 4; i++) {
    await turn()
    batches[i]?.finish()
  }
  await Promise.all(all)
  assert.deepEqual(
    batches.map((b) => b.items),
    [['a', 'b', 'c'], ['d'], ['e']],
  )
})

test('more than the queue holds is refused as overloaded, and what waits is not lost', async () => {
  const { queue, batches, turn } = controlled()
  const first = queue.submit('first', 1)
  await turn()
  const waiting = Array.from({ length: 5 }, (_, i) => queue.submit(String(i), 1))
  assert.throws(
    () => queue.submit('too much', 1),
    (error) => error instanceof ApiError && error.code === 'overloaded',
  )
  for (let i = 0; i < 3; i++) {
    batches[i]?.finish()
    await turn()
  }
  assert.equal((await Promise.all([first, ...waiting])).length, 6)
})

test('one bad item fails alone: its neighbours are written one by one', async () => {
  const { queue, batches, turn } = controlled()
  const all = ['a', 'bad', 'c'].map((item) => queue.submit(item, 1))
  const settled = Promise.allSettled(all)
  await turn()
  batches[0]?.fail(new BadItem())
  await turn()
  batches[1]?.finish()
  await turn()
  batches[2]?.fail(new BadItem())
  await turn()
  batches[3]?.finish()
  assert.deepEqual(
    (await settled).map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    batches.map((b) => b.items),
    [['a', 'bad', 'c'], ['a'], ['bad'], ['c']],
  )
})

test('when the database goes away while a batch is written one by one, nobody is left waiting', async () => {
  const { queue, batches, turn } = controlled()
  const settled = Promise.allSettled(['bad', 'b', 'c'].map((item) => queue.submit(item, 1)))
  await turn()
  batches[0]?.fail(new BadItem())
  await turn()
  batches[1]?.fail(new Error('connection lost'))
  assert.deepEqual(
    (await settled).map((result) => result.status),
    ['rejected', 'rejected', 'rejected'],
  )
})

test('when a batch fails as a whole, what waited behind it is answered too, and the next item is tried', async () => {
  const { queue, batches, turn } = controlled()
  const first = queue.submit('a', 1)
  await turn()
  const second = queue.submit('b', 1)
  const settled = Promise.allSettled([first, second])
  batches[0]?.fail(new ApiError('database_busy'))
  assert.deepEqual(
    (await settled).map((result) => result.status),
    ['rejected', 'rejected'],
  )
  const third = queue.submit('c', 1)
  await turn()
  batches[1]?.finish()
  assert.equal(await third, '<c>')
})

test('drained resolves only after the last item', async () => {
  const { queue, batches, turn } = controlled()
  const item = queue.submit('a', 1)
  let drained = false
  const done = queue.drained().then(() => {
    drained = true
  })
  await turn()
  assert.equal(drained, false)
  batches[0]?.finish()
  await done
  assert.equal(await item, '<a>')
})
