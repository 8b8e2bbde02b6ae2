import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leafHash } from '../../clients/typescript/src/merkle.ts'
import type { Facts } from '../faults/facts.ts'
import { type Strikes, violations } from '../faults/invariants.ts'
import type { Failure, History, Request } from '../faults/load/history.ts'

const A = 'aa'.repeat(32)
const B = 'bb'.repeat(32)
const acked = (id: number, hash: string): Request['acks'][number] => ({
  replayed: false,
  entries: [[id, hash]],
})
const failure = (t: Failure['t'], key: string, status = 503, code = 'outcome_unknown') => ({
  ...{ t, key, at: 10, ms: 1 },
  ...{ status, code },
})

/** One request that was acknowledged at once, one after a doubt, one that was refused; both entries are there. */
function run(): { history: History; facts: Facts; strikes: Strikes } {
  const root = Buffer.from(leafHash(A), 'hex').toString('base64')
  return {
    history: {
      name: 'load',
      requests: new Map([
        ['load-1', { kind: 'log', events: 1, acks: [acked(1, A)], doubts: 0 }],
        ['load-2', { kind: 'log', events: 1, acks: [acked(2, B)], doubts: 1 }],
        ['load-3', { kind: 'log', events: 1, acks: [], doubts: 0 }],
      ]),
      ackedAt: [5, 15],
      ackedAtOf: new Map(),
      failures: [failure('doubt', 'load-2'), failure('refused', 'load-3', 503, 'database_busy')],
      proofs: [{ id: 1, index: 0, size: 1, hashes: [], root }],
    },
    facts: {
      hashes: [A, B],
      idsByKey: new Map([
        ['load-1', [1]],
        ['load-2', [2]],
      ]),
      chainFault: null,
      decisions: new Map(),
      unattested: [],
    },
    strikes: { at: [9], mostDoubts: 1 },
  }
}

test('a run in which everything holds has no violation', () => {
  const { history, facts, strikes } = run()
  assert.deepEqual(violations(history, facts, strikes), [])
})

type Run = ReturnType<typeof run>
const request = ({ history }: Run, key: string) => history.requests.get(key) as Request
for (const [what, change, expected] of [
  ['an acknowledged entry that is gone', ({ facts }: Run) => facts.hashes.pop(), ['I1']],
  [
    'an acknowledged entry that is another',
    ({ facts }: Run) => facts.hashes.splice(1, 1, A),
    ['I1'],
  ],
  [
    'half of what was acknowledged',
    (all: Run) => {
      request(all, 'load-1').events = 2
    },
    ['I1'],
  ],
  [
    'a chain that is broken',
    ({ facts }: Run) => {
      facts.chainFault = 'a gap'
    },
    ['I2'],
  ],
  [
    'a checkpoint of another log',
    ({ history }: Run) => Object.assign(history.proofs[0] as object, { root: 'AAAA' }),
    ['I2'],
  ],
  [
    'a proof of another entry',
    ({ history }: Run) => Object.assign(history.proofs[0] as object, { hashes: ['AAAA'] }),
    ['I2'],
  ],
  [
    'an entry twice under one key',
    ({ facts }: Run) => facts.idsByKey.set('load-1', [1, 2]),
    ['I3'],
  ],
  [
    'two answers to one key',
    (all: Run) => request(all, 'load-1').acks.push(acked(2, B)),
    ['I1', 'I3'],
  ],
  ['an entry nobody asked for', ({ facts }: Run) => facts.idsByKey.set('load-9', [2]), ['I3']],
  [
    'a request that stays in doubt',
    (all: Run) => {
      request(all, 'load-3').doubts = 1
    },
    ['I4'],
  ],
  [
    'a refused request that was carried out',
    ({ facts }: Run) => facts.idsByKey.set('load-3', [2]),
    ['I4'],
  ],
  [
    'more in doubt than under way',
    ({ history }: Run) => history.failures.push(failure('doubt', 'load-1')),
    ['I4'],
  ],
  [
    'an allow that is not on record',
    (all: Run) =>
      Object.assign(request(all, 'load-1').acks[0] as object, {
        decided: { allowed: true, decisionId: 'd' },
      }),
    ['I5'],
  ],
  [
    'an allow of which the entry says that it was a deny',
    (all: Run) => {
      all.facts.decisions.set(1, { allowed: false, decisionId: 'd' })
      Object.assign(request(all, 'load-1').acks[0] as object, {
        decided: { allowed: true, decisionId: 'd' },
      })
    },
    ['I5'],
  ],
  ['a record without entry', ({ facts }: Run) => facts.unattested.push('record 1'), ['I5']],
  [
    'a 500',
    ({ history }: Run) =>
      history.failures.push(failure('refused', 'load-3', 500, 'internal_error')),
    ['I6'],
  ],
  [
    'a 409',
    ({ history }: Run) =>
      history.failures.push(failure('refused', 'load-3', 409, 'idempotency_conflict')),
    ['I6'],
  ],
  [
    'a request that hangs',
    ({ history }: Run) => history.failures.push(failure('refused', 'load-3', -1, 'hangs')),
    ['I6'],
  ],
] as const) {
  test(`the drills find ${what}`, () => {
    const all = run()
    change(all)
    const found = violations(all.history, all.facts, all.strikes)
    assert.deepEqual([...new Set(found.map(({ invariant }) => invariant))], expected)
  })
}
