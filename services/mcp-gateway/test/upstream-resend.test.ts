import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maySendAgain } from '../src/upstreams/resend.ts'

const READ = { writes: false, keyed: false }
const CHANGE = { writes: true, keyed: false }
const KEYED = { writes: true, keyed: true }
const LOST = { sent: true, received: false, lost: true, sentBefore: 1 }

const cases: [
  what: string,
  route: typeof READ,
  hasKey: boolean,
  attempt: typeof LOST,
  may: boolean,
][] = [
  ['a reading call that was lost', READ, false, LOST, true],
  ['the same a second time', READ, false, { ...LOST, sentBefore: 2 }, false],
  ['the same with half an answer', READ, false, { ...LOST, received: true }, false],
  ['a late one', READ, false, { ...LOST, lost: false }, false],
  ['a change that was lost', CHANGE, false, LOST, false],
  ['a key where the service takes none', CHANGE, true, LOST, false],
  ['a change that could have a key', KEYED, false, LOST, false],
  ['a change with a key', KEYED, true, LOST, true],
  ['the same a second time', KEYED, true, { ...LOST, sentBefore: 2 }, false],
  ['a change that was never sent', CHANGE, false, { ...LOST, sent: false, sentBefore: 0 }, true],
]
for (const [what, route, hasKey, attempt, may] of cases) {
  test(`${what}: ${may ? 'may' : 'must not'} be sent again`, () => {
    assert.equal(maySendAgain(route, hasKey, attempt), may)
  })
}
