import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkLog } from '@ai-governance/infra/test-support/check-log'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  service = await startService()
})
after(() => service.stop())
afterEach(async () => {
  await checkLog(service.database.ownerUrl)
})

test('an event is answered with the entry that was committed', async () => {
  const answer = await service.log(
    { ...EVENT, details: { b: 1, a: [true] } },
    { 'x-request-id': 'req-7' },
  )
  assert.equal(answer.statusCode, 200)
  const entry = answer.json()
  assert.equal(entry.actor, 'anonymous')
  assert.equal(entry.request_id, 'req-7')
  assert.deepEqual(entry.details, { b: 1, a: [true] })
  const stored = await service.app.inject({ url: `/events/${entry.id}` })
  assert.equal(stored.body, answer.body)
})

test('details that are left out count as an empty object', async () => {
  const entry = (await service.log(EVENT)).json()
  assert.deepEqual(entry.details, {})
})

test('two entries with the same content have different salts', async () => {
  const [one, other] = await Promise.all([service.log(EVENT), service.log(EVENT)])
  assert.notEqual(one?.json().details_salt, other?.json().details_salt)
  assert.notEqual(one?.json().details_hash, other?.json().details_hash)
})

test('texts of any script and length up to the limit are stored, one character more is 400', async () => {
  const event = (type: number, subject: number) => ({
    ...EVENT,
    event_type: '🚀'.repeat(type),
    subject: '日'.repeat(subject),
  })
  assert.equal((await service.log(event(200, 500))).statusCode, 200)
  assert.equal((await service.log(event(201, 500))).statusCode, 400)
  assert.equal((await service.log(event(200, 501))).statusCode, 400)
})

for (const [what, body] of Object.entries({
  'a decision that is a string': { ...EVENT, decision: 'true' },
  'a decision that is a number': { ...EVENT, decision: 1 },
  'no decision': { event_type: 'a', subject: 'b' },
  'an empty subject': { ...EVENT, subject: '' },
  'a null subject': { ...EVENT, subject: null },
  'details that are an array': { ...EVENT, details: [] },
  'details that are null': { ...EVENT, details: null },
  'details that are a string': { ...EVENT, details: '{}' },
  'an unknown member': { ...EVENT, actor: 'root' },
  'an array': [EVENT],
  'U+0000': '{"event_type":"a\\u0000","subject":"b","decision":true}',
  'a duplicate name': '{"event_type":"a","subject":"b","decision":false,"decision":true}',
  'a lone surrogate': '{"event_type":"a","subject":"\\ud800","decision":true}',
  'a big integer':
    '{"event_type":"a","subject":"b","decision":true,"details":{"n":9007199254740993}}',
  'an overflowing number': '{"event_type":"a","subject":"b","decision":true,"details":{"n":1e999}}',
  'deep nesting': `{"event_type":"a","subject":"b","decision":true,"details":{"n":${'['.repeat(64)}${']'.repeat(64)}}}`,
})) {
  test(`${what} is 400 and writes nothing`, async () => {
    const before = await checkLog(service.database.ownerUrl)
    const answer = await service.log(body)
    assert.equal(answer.statusCode, 400)
    assert.match(answer.json().code, /^invalid_(json|request)$/)
    assert.equal(await checkLog(service.database.ownerUrl), before)
  })
}

test('event types of the control plane are reserved', async () => {
  for (const event_type of [
    'lineage.registered',
    'audit.x',
    'policy.activated',
    'gate.decided',
    'Gate.decided',
  ]) {
    const answer = await service.log({ ...EVENT, event_type })
    assert.equal(answer.statusCode, 403)
    assert.equal(answer.json().code, 'event_type_reserved')
  }
  for (const event_type of ['lineage', 'auditor.x', 'my.audit.x', 'gate']) {
    assert.equal((await service.log({ ...EVENT, event_type })).statusCode, 200, event_type)
  }
})

test('an entry larger than a whole batch is written', async () => {
  const answer = await service.log({ ...EVENT, details: { text: 'x'.repeat(1_000_000) } })
  assert.equal(answer.statusCode, 200)
})

test('many clients at once get one position each', async () => {
  const answers = await Promise.all(
    Array.from({ length: 1_500 }, (_, i) => service.log({ ...EVENT, subject: `model@${i}` })),
  )
  assert.deepEqual(new Set(answers.map((answer) => answer.statusCode)), new Set([200]))
  assert.equal(new Set(answers.map((answer) => answer.json().id)).size, 1_500)
})

test('a database that does not flush is refused', async () => {
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  const { rows } = await owner.query('SELECT current_database() AS name')
  // In this database only: other tests use the same role at the same time.
  const role = `ALTER ROLE audit_service IN DATABASE ${rows[0].name}`
  const disconnect = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE usename = 'audit_service' AND datname = current_database()`
  try {
    await owner.query(`${role} SET synchronous_commit = off; ${disconnect}`)
    let answer = await service.log(EVENT)
    // It may have been sent on a connection of which nobody knew yet that it was ended.
    while (answer.json().code === 'outcome_unknown') answer = await service.log(EVENT)
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.json().code, 'database_unavailable')
    while ((await service.app.inject({ url: '/readyz' })).statusCode !== 503) await sleep(50)
  } finally {
    await owner.query(`${role} RESET ALL`)
    await owner.end()
  }
  while ((await service.log(EVENT)).statusCode !== 200) await sleep(50)
})
