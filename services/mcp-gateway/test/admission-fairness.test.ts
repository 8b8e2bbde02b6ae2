import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stage } from './admission-stage.ts'

const GREEDY = Array.from({ length: 9 }, (_, i) => `a${i + 1}`)

describe('places that more than one caller wants', () => {
  test('go to one alone, as many as there are', () => {
    const { enter, told } = stage({ places: 4 })
    enter(...GREEDY.slice(0, 4))
    assert.equal(told(), 'a1 in, a2 in, a3 in, a4 in')
  })

  test('go next to who has fewest of them, however long others wait', () => {
    const { enter, leave, told } = stage({ places: 4, waiting: 9 })
    enter(...GREEDY, 'b1', 'b2', 'b3', 'c1')
    told()
    for (let n = 0; n < 3; n++) leave('a1')
    // Of a and b, which have one place each by then, it is a that was served longer ago.
    assert.equal(told(), 'b1 in, c1 in, a5 in')
    leave('c1')
    leave('b1')
    assert.equal(told(), 'b2 in, b3 in')
  })

  test('go in turn to those that have equally many', () => {
    const { enter, leave, told } = stage({ places: 3, waiting: 9 })
    enter('a1', 'b1', 'c1', 'a2', 'a3', 'b2', 'b3', 'c2', 'c3')
    told()
    for (const name of ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']) leave(name)
    assert.equal(told(), 'a2 in, a3 in, b2 in, b3 in, c2 in, c3 in')
    const round = stage({ places: 1, waiting: 9 })
    round.enter('a1', 'b1', 'b2', 'c1', 'c2', 'd1', 'd2')
    round.told()
    for (const name of ['a1', 'b1', 'c1', 'd1', 'b2']) round.leave(name)
    assert.equal(round.told(), 'b1 in, c1 in, d1 in, b2 in, c2 in')
  })

  test('with a full queue: who has most in it loses its newest, and whoever has less may wait', () => {
    const { admission, enter, leave, told } = stage({ places: 2, waiting: 3 })
    enter('a1', 'a2', 'a3', 'a4', 'a5')
    told()
    assert.equal(admission.isFullFor('a'), true)
    assert.equal(admission.isFullFor('b'), false)
    enter('a6', 'b1', 'a7', 'b2')
    assert.equal(told(), 'a6 away, a5 away, a7 away, a4 away')
    // One more would only change places with somebody of a flow that has no more.
    enter('b3')
    assert.equal(told(), 'b3 away')
    assert.equal(admission.waiting, 3)
    leave('a1')
    leave('a2')
    assert.equal(told(), 'b1 in, a3 in')
  })

  test('with a queue that does not empty: in each flow the newest is next, and the oldest is sent away', () => {
    const { clock, enter, leave, told } = stage({ places: 2, waiting: 9 })
    enter('a1', 'b1', 'a2', 'b2')
    clock.ms = 55
    enter('a3', 'b3', 'a4', 'b4')
    assert.equal(told(), 'a1 in, b1 in, a2 away, b2 away')
    clock.ms = 60
    leave('a1')
    leave('b1')
    assert.equal(told(), 'a4 in, b4 in')
  })

  test('while the process is behind let nobody wait but who has none and does not wait yet', () => {
    const { enter, leave, told } = stage({ late: true, waiting: 9 })
    enter('a1', 'a2', 'a3', 'b1', 'b2')
    assert.equal(told(), 'a1 in, a2 in, a3 away, b2 away')
    leave('a1')
    assert.equal(told(), 'b1 in')
  })

  test('are counted right for thousands of callers, one after the other and side by side', () => {
    const { admission, enter, leave, told } = stage({ places: 3, waiting: 9 })
    enter('a1', 'a2')
    for (let n = 0; n < 5_000; n++) {
      const name = `${String.fromCodePoint(0x4e00 + n)}1`
      enter(name)
      leave(name)
    }
    enter('a3', 'a4', 'b1')
    told()
    leave('a1')
    assert.equal(told(), 'b1 in')
    for (const name of ['a2', 'a3', 'a4', 'b1']) leave(name)
    assert.deepEqual([admission.inside, admission.waiting], [0, 0])
  })
})
