import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asGateway, decided, service, verdict } from './gate-calls.ts'
import { EVENT } from './service.ts'

const lookup = (question: object, actor = 'key:ci', key = 'k') =>
  asGateway('/idempotency/lookup', { actor, operation: 'gate', key, body: question })
const question = { subject: 'fraud@1.2.3', record: 'digest', input_digest: verdict().input_digest }
const codeOf = (answer: { statusCode: number; json: () => { code: string } }) => [
  answer.statusCode,
  answer.json().code,
]

describe('event types that the control plane writes', () => {
  test('gate.* and auth.* are written by the gateway alone, under the caller as actor', async () => {
    for (const event_type of ['gate.decided', 'auth.denied']) {
      const answer = await asGateway('/log', { ...EVENT, event_type })
      assert.equal(answer.statusCode, 200)
      assert.equal(answer.json().actor, 'key:ci')
    }
  })

  for (const [who, changes] of [
    ['a caller whose call the gateway passes on', { svc: null }],
    ['a caller with every scope', { svc: null, scopes: ['admin'] }],
  ] as const) {
    test(`gate.decided of ${who} is refused`, async () => {
      const answer = await asGateway('/log', decided(), {}, changes)
      assert.deepEqual(codeOf(answer), [403, 'event_type_reserved'])
    })
  }

  test('the gateway writes none of those of others, and nobody a look-alike', async () => {
    for (const event_type of [
      'policy.activated',
      'lineage.x',
      'audit.x',
      'Gate.decided',
      'GATE.x',
    ]) {
      const answer = await asGateway('/log', { ...EVENT, event_type })
      assert.deepEqual(codeOf(answer), [403, 'event_type_reserved'], event_type)
    }
    assert.deepEqual(codeOf(await service.log(decided())), [403, 'event_type_reserved'])
    assert.deepEqual(codeOf(await service.log({ ...EVENT, event_type: 'auth.denied' })), [
      403,
      'event_type_reserved',
    ])
  })

  test('what only begins alike is for everybody', async () => {
    for (const event_type of ['gates.opened', 'gate', 'constructor.x']) {
      assert.equal((await service.log({ ...EVENT, event_type })).statusCode, 200, event_type)
    }
  })
})

describe('a decision under a key', () => {
  const keyed = (event: object, key: string, actor?: string) =>
    asGateway('/log', event, { 'idempotency-key': key }, actor === undefined ? {} : { actor })

  test('that is made again is answered as it was recorded first, whatever it would be now', async () => {
    const first = await keyed(decided(), 'again')
    const again = await keyed(decided({}, verdict(false)), 'again')
    assert.equal(again.headers['idempotency-replayed'], 'true')
    assert.equal(again.body, first.body)
    assert.equal(again.json().decision, true)
  })

  test('is recorded once by fifty at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => keyed(decided({}, verdict(n % 2 === 0)), 'fifty')),
    )
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1)
  })

  for (const [what, other] of Object.entries({
    subject: { ...decided(), subject: 'other' },
    record: decided({ record: 'full', payload: {} }),
    payload: decided({}, { ...verdict(), input_digest: `sha256:${'00'.repeat(32)}` }),
  })) {
    test(`about another ${what} is 409`, async () => {
      await keyed(decided(), `other-${what}`)
      assert.deepEqual(codeOf(await keyed(other, `other-${what}`)), [409, 'idempotency_conflict'])
    })
  }

  test('has nothing to do with an event of POST /log, or of another caller, under the same key', async () => {
    const event = await service.log(EVENT, { 'idempotency-key': 'shared' })
    const one = await keyed(decided(), 'shared', 'key:a')
    const other = await keyed(decided(), 'shared', 'key:b')
    const plain = await asGateway(
      '/log',
      EVENT,
      { 'idempotency-key': 'shared' },
      { actor: 'key:a' },
    )
    const ids = [event, one, other, plain].map((answer) => answer.json().id)
    assert.equal(new Set(ids).size, 4)
  })

  test('is found by its caller, key and question', async () => {
    const recorded = await keyed(decided(), 'k')
    const found = await lookup(question)
    assert.equal(found.statusCode, 200)
    assert.equal(found.body, recorded.body)
    assert.deepEqual(codeOf(await lookup({ ...question, subject: 'x' })), [
      409,
      'idempotency_conflict',
    ])
    assert.deepEqual(codeOf(await lookup({ ...question, record: 'full' })), [
      409,
      'idempotency_conflict',
    ])
    assert.deepEqual(codeOf(await lookup(question, 'key:other')), [404, 'not_found'])
    assert.deepEqual(codeOf(await lookup(question, 'key:ci', 'never')), [404, 'not_found'])
    assert.deepEqual(codeOf(await lookup(question, 'key:ci', 'no key')), [
      400,
      'invalid_idempotency_key',
    ])
  })

  test('is looked up by the gateway alone, speaking for itself', async () => {
    const body = { actor: 'key:ci', operation: 'gate', key: 'k', body: question }
    const forwarded = { svc: null, scopes: ['admin'] }
    const passedOn = await asGateway('/idempotency/lookup', body, {}, forwarded)
    assert.deepEqual(codeOf(passedOn), [403, 'insufficient_scope'])
    const unsigned = await service.app.inject({
      method: 'POST',
      url: '/idempotency/lookup',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(body),
    })
    assert.deepEqual(codeOf(unsigned), [403, 'insufficient_scope'])
  })

  test('whose details were erased is found without them', async () => {
    const { id } = (await keyed(decided(), 'erased')).json()
    const grounds = { reason: 'r', legal_basis: 'l' }
    const forwarded = { svc: null, scopes: ['audit:erase'] }
    const erasure = await asGateway(`/events/${id}/erase`, grounds, {}, forwarded)
    assert.equal(erasure.statusCode, 200)
    const found = (await lookup(question, 'key:ci', 'erased')).json()
    assert.deepEqual([found.id, found.erased, found.details], [id, true, null])
    const other = await lookup({ ...question, subject: 'another' }, 'key:ci', 'erased')
    assert.deepEqual(codeOf(other), [409, 'idempotency_conflict'])
  })
})
