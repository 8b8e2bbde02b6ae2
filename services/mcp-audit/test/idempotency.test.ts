import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
beforeEach(async () => {
  service = await startService()
})
afterEach(() => service.stop())

const keyed = (key: string, event: object = EVENT) => service.log(event, { 'idempotency-key': key })
const batch = (events: readonly object[], headers: Record<string, string> = {}) =>
  service.app.inject({
    method: 'POST',
    url: '/log/batch',
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify({ events }),
  })
const entries = async () => (await service.app.inject({ url: '/events' })).json()
const asOwner = async (sql: string) => {
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  await owner.query(sql)
  await owner.end()
}

describe('an event with a key', () => {
  test('is appended once, and answered the same again with a header that says so', async () => {
    const first = await keyed('k-1')
    const again = await keyed('k-1')
    assert.equal(first.headers['idempotency-replayed'], undefined)
    assert.equal(again.statusCode, 200)
    assert.equal(again.headers['idempotency-replayed'], 'true')
    assert.equal(again.body, first.body)
    assert.equal((await entries()).length, 1)
  })

  test('is the same with its members in another order and under another request id', async () => {
    await keyed('k', { ...EVENT, details: { a: 1, b: [2] } })
    const again = await service.log(
      { details: { b: [2], a: 1 }, ...EVENT },
      { 'idempotency-key': 'k', 'x-request-id': 'another' },
    )
    assert.deepEqual([again.statusCode, again.json().id], [200, 1])
  })

  for (const [what, other] of Object.entries({
    event_type: { ...EVENT, event_type: 'other' },
    subject: { ...EVENT, subject: 'other' },
    decision: { ...EVENT, decision: false },
    details: { ...EVENT, details: { n: 2 } },
  })) {
    test(`that has another ${what} than before is 409, and nothing is appended`, async () => {
      await keyed('k', { ...EVENT, details: { n: 1 } })
      const answer = await keyed('k', { details: { n: 1 }, ...other })
      assert.deepEqual([answer.statusCode, answer.json().code], [409, 'idempotency_conflict'])
      assert.equal((await entries()).length, 1)
    })
  }

  test('sent by fifty at once is appended once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => keyed('k')))
    assert.deepEqual(new Set(answers.map(({ body }) => body)).size, 1)
    assert.equal(answers.filter(({ headers }) => headers['idempotency-replayed']).length, 49)
    assert.equal((await entries()).length, 1)
  })

  test('among others without or with other keys leaves those alone', async () => {
    await keyed('known')
    const answers = await Promise.all([
      keyed('known'),
      service.log(EVENT),
      keyed('new'),
      keyed('known', { ...EVENT, subject: 'other' }),
      keyed('newer'),
    ])
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200, 409, 200],
    )
    assert.equal((await entries()).length, 4)
  })

  test('whose details were erased since is answered as erased', async () => {
    await keyed('k', { ...EVENT, details: { name: 'Ann' } })
    const headers = { 'content-type': 'application/json' }
    const payload = JSON.stringify({ reason: 'r', legal_basis: 'l' })
    await service.app.inject({ method: 'POST', url: '/events/1/erase', headers, payload })
    const again = (await keyed('k', { ...EVENT, details: { name: 'Bob' } })).json()
    assert.deepEqual([again.erased, again.details], [true, null])
  })

  test('is forgotten after seven days', async () => {
    await keyed('old')
    await asOwner("UPDATE audit_idempotency SET created_at = now() - interval '8 days'")
    await keyed('fresh')
    await asOwner('SELECT audit_prune_keys()')
    assert.equal((await keyed('old')).headers['idempotency-replayed'], undefined)
    assert.equal((await keyed('fresh')).headers['idempotency-replayed'], 'true')
  })

  test('that is no key is refused', async () => {
    for (const key of ['', 'a b', 'é', 'x'.repeat(201)]) {
      const answer = await keyed(key)
      assert.deepEqual([answer.statusCode, answer.json().code], [400, 'invalid_idempotency_key'])
    }
    assert.equal((await keyed('~'.repeat(200))).statusCode, 200)
  })
})

describe('a batch', () => {
  const three = [1, 2, 3].map((n) => ({ ...EVENT, subject: `m@${n}`, details: { n } }))

  test('is appended in its order, as successive entries', async () => {
    await service.log(EVENT)
    const answer = (await batch(three)).json()
    assert.deepEqual(
      answer.map((entry: { id: number; subject: string }) => [entry.id, entry.subject]),
      [
        [2, 'm@1'],
        [3, 'm@2'],
        [4, 'm@3'],
      ],
    )
  })

  test('in NDJSON is the same', async () => {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/log/batch',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: three.map((event) => `${JSON.stringify(event)}\n`).join(''),
    })
    assert.equal(answer.json().length, 3)
  })

  test('is appended whole or not at all', async () => {
    const tooLong = { ...EVENT, subject: 'x'.repeat(501) }
    const reserved = { ...EVENT, event_type: 'audit.x' }
    for (const [bad, status] of [
      [tooLong, 400],
      [reserved, 403],
    ] as const) {
      assert.equal((await batch([...three, bad])).statusCode, status)
    }
    for (const events of [[], Array(10_001).fill(EVENT)]) {
      assert.equal((await batch(events)).statusCode, 400)
    }
    assert.equal((await entries()).length, 0)
  })

  test('of ten thousand is one answer', async () => {
    const answer = (await batch(Array(10_000).fill(EVENT))).json()
    assert.deepEqual([answer.length, answer.at(-1).id], [10_000, 10_000])
  })

  test('with a key is appended once; a shorter, longer or other one under it is 409', async () => {
    const key = { 'idempotency-key': 'b' }
    const first = await batch(three, key)
    const again = await batch(three, key)
    assert.deepEqual([again.body, again.headers['idempotency-replayed']], [first.body, 'true'])
    for (const other of [three.slice(1), [...three, EVENT], [...three].reverse()]) {
      const answer = await batch(other, key)
      assert.deepEqual([answer.statusCode, answer.json().code], [409, 'idempotency_conflict'])
    }
    assert.equal((await entries()).length, 3)
  })

  test('and a single event may have the same key', async () => {
    await batch(three, { 'idempotency-key': 'k' })
    assert.equal((await keyed('k')).json().id, 4)
  })
})
