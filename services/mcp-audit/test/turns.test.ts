import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from '../src/turns.ts'

/** Starts work under `turns` that ends when it is told; what has begun stands in `begun`. */
function stage(turns: Turns) {
  const begun: string[] = []
  const start = (name: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const result = turns.run(() => {
      begun.push(name)
      return promise
    })
    return { result, resolve, reject }
  }
  return { begun, start }
}

test('so many run at once, and who came first is next', async () => {
  const { begun, start } = stage(new Turns(2))
  const [a, b, c, d] = [start('a'), start('b'), start('c'), start('d')]
  assert.deepEqual(begun, ['a', 'b'])
  b.resolve('done')
  assert.equal(await b.result, 'done')
  assert.deepEqual(begun, ['a', 'b', 'c'])
  for (const one of [a, c, d]) one.resolve('done')
  await Promise.all([a.result, c.result, d.result])
  assert.deepEqual(begun, ['a', 'b', 'c', 'd'])
})

test('work that fails passes its turn on', async () => {
  const { begun, start } = stage(new Turns(1))
  const [a, b] = [start('a'), start('b')]
  a.reject(new Error('failed'))
  await assert.rejects(a.result, /failed/)
  b.resolve('done')
  assert.equal(await b.result, 'done')
  assert.deepEqual(begun, ['a', 'b'])
  const c = start('c')
  assert.deepEqual(begun, ['a', 'b', 'c'])
  c.resolve('done')
  await c.result
})
