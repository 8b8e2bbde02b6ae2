import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { LogQueue } from '@ai-governance/common/database/log-queue'
import pg from 'pg'

interface Item {
  name: string
  actor: string | null
  key: string | null
}

/** A queue whose batches wait until the test lets them go; the names of each that is out. */
function controlled() {
  const batches: { names: string[]; finish: () => void; fail: (error: Error) => void }[] = []
  const heard: number[] = []
  const queue = new LogQueue<Item, string>({
    commit: (items) =>
      new Promise((resolve, reject) => {
        const names = items.map((item) => item.name)
        batches.push({ names, finish: () => resolve(names), fail: reject })
      }),
    onBatch: (count) => heard.push(count),
  })
  const batch = async (n: number) => {
    while (batches.length <= n) await setImmediate()
    return batches[n] as (typeof batches)[number]
  }
  return { queue, batch, heard }
}

const item = (name: string, key: string | null, actor = 'ann') => ({ name, key, actor })

test('two of one actor and key never share a batch, and others share it with either', async () => {
  const { queue, batch, heard } = controlled()
  const answers = [
    queue.submit(item('a', 'k'), 1),
    queue.submit(item('b', 'k'), 1),
    queue.submit(item('c', 'k', 'bob'), 1),
    queue.submit(item('d', null), 1),
    queue.submit(item('e', null), 1),
  ]
  assert.deepEqual((await batch(0)).names, ['a', 'c', 'd', 'e'])
  ;(await batch(0)).finish()
  assert.deepEqual((await batch(1)).names, ['b'])
  ;(await batch(1)).finish()
  assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(heard, [4, 1])
})

test('after a fault of its data the next of its key has its turn; a server that is gone fails both', async () => {
  for (const [state, next] of [
    ['23514', 'fulfilled'],
    ['57P01', 'rejected'],
  ] as const) {
    const { queue, batch } = controlled()
    const settled = Promise.allSettled([
      queue.submit(item('a', 'k'), 1),
      queue.submit(item('b', 'k'), 1),
    ])
    const failure = new pg.DatabaseError('on purpose', 1, 'error')
    failure.code = state
    ;(await batch(0)).fail(failure)
    if (next === 'fulfilled') (await batch(1)).finish()
    assert.deepEqual(
      (await settled).map((result) => result.status),
      ['rejected', next],
    )
  }
})
