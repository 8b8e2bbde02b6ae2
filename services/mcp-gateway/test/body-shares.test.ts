import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BodyRoom } from '../src/admission/body-room.ts'

const MiB = 1_048_576

describe('the room for bodies', () => {
  test('is left to one caller but for a quarter, in several bodies; in one he may have all of it', () => {
    const room = new BodyRoom(64 * MiB)
    for (let n = 0; n < 3; n++) assert.equal(room.take('a', 16 * MiB, 0), true)
    assert.equal(room.admits('a', 70_000), false)
    assert.equal(room.take('a', 1, 0), false)
    assert.equal(room.admits('b', 16 * MiB), true)
    for (let n = 0; n < 3; n++) room.give('a', 16 * MiB)
    for (let n = 0; n < 64; n++) assert.equal(room.take('a', MiB, n * MiB), true)
    assert.equal(room.take('b', 1, 0), false)
  })

  test('is shared by two who both want more than there is, and some stays for a third', () => {
    const room = new BodyRoom(700)
    const held = { a: 0, b: 0 }
    for (let n = 0; n < 1_000; n++) {
      for (const flow of ['a', 'b'] as const) if (room.take(flow, 1, 0)) held[flow]++
    }
    assert.deepEqual(held, { a: 300, b: 300 })
    assert.equal(room.take('c', 100, 0), true)
  })

  test('comes back to those who wanted more, as others give theirs back', () => {
    const room = new BodyRoom(400)
    assert.equal(room.take('a', 300, 0), true)
    assert.equal(room.take('b', 100, 0), true)
    room.give('a', 200)
    // b would hold 150 then, and 150 would be left.
    assert.equal(room.take('b', 50, 0), true)
    room.give('a', 100)
    room.give('b', 150)
    assert.equal(room.take('c', 400, 0), true)
  })
})
