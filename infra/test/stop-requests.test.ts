import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { stopRequests } from '../local/stop-requests.ts'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  test(`${signal} asks to stop`, () => {
    const source = new EventEmitter()
    const { first, second } = stopRequests(source)
    assert.equal(first.aborted, false)
    source.emit(signal)
    assert.equal(first.aborted, true)
    assert.equal(second.aborted, false)
  })
}

test('the same Ctrl-C, arriving again within a second, forces nothing; a later one does', () => {
  const source = new EventEmitter()
  let clock = 0
  const { second } = stopRequests(source, () => clock)
  source.emit('SIGINT')
  clock = 1_000
  source.emit('SIGINT')
  assert.equal(second.aborted, false)
  clock = 1_001
  source.emit('SIGINT')
  assert.equal(second.aborted, true)
})
