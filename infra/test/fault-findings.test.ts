import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Failure } from '../failure.ts'
import { judged } from '../faults/campaign-findings.ts'
import { answered, answeredWithin } from '../faults/drills.ts'
import { allHold, type Finding } from '../faults/findings.ts'
import type { History, Failure as Refusal } from '../faults/load/history.ts'
import { memoryFinding, watchMemory } from '../faults/memory.ts'
import { judgeHung } from '../faults/slow/hung.ts'
import { askSteadily } from '../faults/slow/others.ts'
import { reaches, until } from '../faults/wait.ts'

const TROUBLE = { from: 100, to: 200 }

function historyOf(failures: Partial<Refusal>[]): History {
  const one = {
    t: 'refused',
    key: 'load-1',
    at: 150,
    ms: 20,
    status: 503,
    code: 'x',
    retryAfter: '1',
  } as const
  return {
    ...{ name: 'load', requests: new Map(), ackedAt: [], ackedAtOf: new Map(), proofs: [] },
    failures: failures.map((failure) => ({ ...one, ...failure })),
  }
}

for (const [what, failures, holds] of [
  ['in which callers were told soon holds', [{}], true],
  ['that no caller met does not hold', [], false],
  ['that was over when callers were refused does not hold', [{ at: 201 }], false],
  ['in which one was answered otherwise does not hold', [{}, { status: 500 }], false],
  ['in which one was not told when to come back does not hold', [{ retryAfter: '0' }], false],
  ['in which they waited does not hold', [{ ms: 31 }], false],
] as const) {
  test(`a trouble ${what}`, () => {
    const history = historyOf([...failures])
    const found = [
      ...answered(history, TROUBLE, 'what'),
      answeredWithin(history, TROUBLE, 30, true),
    ]
    assert.equal(allHold(found), holds)
  })
}

for (const [what, result, holds] of [
  ['are told 504, and 503 where there is no place, hold', { 504: [10_100], 503: [5] }, true],
  ['are told 503 alone do not hold', { 503: [5, 6] }, false],
  ['wait for too long do not hold', { 504: [10_100, 11_001] }, false],
  ['hang do not hold', { 504: [10_100], hangs: [30_000] }, false],
  ['are not there do not hold', {}, false],
] as const) {
  test(`callers of a service that hangs who ${what}`, () => {
    const lists = Object.entries(result).map(([came, times]) => [came, [...times]])
    assert.equal(judgeHung([Object.fromEntries(lists)]).holds, holds)
  })
}

test('who waits for a stack that does not come back, or a load that has ended, fails and does not hang', async () => {
  const counted = { done: 'acknowledged', count: () => 1, isOver: () => false }
  await reaches(counted, 1)
  await assert.rejects(reaches(counted, 2, 0), (error) => {
    assert.ok(error instanceof Failure)
    assert.match(error.message, /^nothing was acknowledged for 0 s/)
    return true
  })
  await assert.rejects(reaches({ ...counted, isOver: () => true }, 2), /the load ended/)
  await assert.rejects(
    until('it', async () => false, 0),
    Failure,
  )
})

test('a constant rate counts each answer by its status, and what was not reached by what happened instead', async (t) => {
  const server = createServer((_, answer) => answer.writeHead(404).end())
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const calls = [{ url, body: '{}' }, { url: 'http://127.0.0.1:1' }]
  const result = await askSteadily({ calls, perSecond: 100, requests: 4 })
  assert.deepEqual(
    Object.entries(result).map(([came, times]) => [came, times.length]),
    [
      ['404', 2],
      ['connect ECONNREFUSED 127.0.0.1:1', 2],
    ],
  )
})

test('memory is judged by its growth, and only where it can be seen', () => {
  const MIB = 1_048_576
  const holds = [50, 51].map((grown) => memoryFinding('what', grown * MIB, 50).holds)
  assert.deepEqual(holds, [true, false])
  assert.equal(memoryFinding('what', null, 50).holds, null)
  const own = watchMemory(process.pid).end()
  assert.equal(own === null, process.platform !== 'linux')
})

test('the line of I4 says whether doubts were counted, that of I5 over how much it was judged', () => {
  const lineOf = (found: Finding[], id: 'I4' | 'I5') =>
    found.find(({ invariants }) => invariants?.includes(id))
  const none = judged([], { ackedAtOf: new Map() }, undefined)
  assert.match(String(lineOf(none, 'I4')?.figure), /not counted/)
  assert.equal(lineOf(none, 'I5')?.holds, null)
  const some = judged([], { ackedAtOf: new Map([['register', [1, 2]]]) }, 64)
  assert.match(String(lineOf(some, 'I4')?.figure), /at most 64/)
  assert.match(String(lineOf(some, 'I5')?.figure), /2 registrations and 0 decisions/)
  assert.equal(lineOf(some, 'I5')?.holds, true)
  const broken = [{ invariant: 'I5', what: 'x', times: 1 } as const]
  assert.equal(lineOf(judged(broken, { ackedAtOf: new Map() }, 64), 'I5')?.holds, false)
})
