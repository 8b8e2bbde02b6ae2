import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as loopTurn } from 'node:timers/promises'
import { LargeBodies } from '../src/ingress/large-bodies.ts'
import { LIMITS } from '../src/limits.ts'

const MiB = 1_048_576
const responseOf = () => new ServerResponse(new IncomingMessage(new Socket()))

describe('large bodies', () => {
  test('are read one in each turn of the event loop, of each caller in turn', async () => {
    const large = new LargeBodies(LIMITS)
    const story: string[] = []
    const start = (name: string) =>
      large.turn(name.slice(0, 1), 100_000, responseOf(), false).then(() => story.push(name))
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

  test('are worked on by our own routes two at once, the third is of whoever has none', async () => {
    const large = new LargeBodies(LIMITS)
    const story: string[] = []
    const responses = new Map<string, ServerResponse>()
    const start = (name: string) => {
      const response = responseOf()
      responses.set(name, response)
      const turn = large.turn(name.slice(0, 1), 2 * MiB, response, true)
      turn.then(
        () => story.push(name),
        () => story.push(`${name} away`),
      )
    }
    for (let n = 0; n < 12; n++) start(`a${n}`)
    start('b1')
    for (let n = 0; n < 20; n++) await loopTurn()
    // Eight wait, and the newest of them has made room for the other caller.
    assert.deepEqual(story.splice(0).sort(), ['a0', 'a1', 'a10 away', 'a11 away', 'a9 away'])
    responses.get('a0')?.emit('close')
    for (let n = 0; n < 20; n++) await loopTurn()
    assert.deepEqual(story.splice(0), ['b1'])
    responses.get('b1')?.emit('close')
    for (let n = 0; n < 20; n++) await loopTurn()
    assert.deepEqual(story, ['a2'])
  })
})
