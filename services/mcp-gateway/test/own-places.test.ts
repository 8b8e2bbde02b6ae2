import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as loopTurn } from 'node:timers/promises'
import { BodyTurns } from '../src/admission/body-turns.ts'
import { LoopLag } from '../src/admission/loop-lag.ts'
import { openOwnPlaces } from '../src/admission/own-places.ts'
import { LIMITS } from '../src/limits.ts'

const MiB = 1_048_576

test('large bodies are read one in each turn of the event loop, of each caller in turn', async () => {
  const turns = new BodyTurns()
  const story: string[] = []
  const start = (name: string) => turns.next(name.slice(0, 1)).then(() => story.push(name))
  const all = ['a1', 'a2', 'a3', 'b1', 'b2'].map(start)
  const counts: number[] = []
  while (story.length < all.length) {
    counts.push(story.length)
    await loopTurn()
  }
  assert.ok(
    counts.every((count, turn) => count <= turn + 1),
    `so many had been read before each turn: ${counts}`,
  )
  assert.deepEqual(story, ['a1', 'a2', 'b1', 'a3', 'b2'])
})

test('our own routes work on two large bodies at once, the third is of whoever has none', async (t) => {
  const lag = new LoopLag()
  t.after(() => lag.close())
  const places = openOwnPlaces({ ...LIMITS, ownInFlight: 3 }, lag)
  const story: string[] = []
  const settled = () => loopTurn().then(() => story.splice(0))
  const start = (name: string, bytes = 2 * MiB) =>
    places.take(name.slice(0, 1), bytes).then(
      () => story.push(name),
      () => story.push(`${name} away`),
    )
  for (let n = 0; n < 12; n++) start(`a${n}`)
  start('b1')
  // Eight wait, and the newest of them has made room for the other caller.
  assert.deepEqual((await settled()).sort(), ['a0', 'a1', 'a10 away', 'a11 away', 'a9 away'])
  start('c1', 100)
  start('c2', 100)
  assert.deepEqual(await settled(), ['c1'], 'a small one has the third place, another waits')
  places.leave('c', 100)
  assert.deepEqual(await settled(), ['c2'])
  places.leave('a', 2 * MiB)
  assert.deepEqual(await settled(), ['b1'])
  places.leave('b', 2 * MiB)
  assert.deepEqual(await settled(), ['a2'])
})
