import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
beforeEach(async () => {
  service = await startService()
  for (const n of [1, 2, 3, 4]) {
    await service.log({ ...EVENT, subject: `m@${n}`, details: { name: `person ${n}` } })
  }
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
})
afterEach(async () => {
  await owner.end()
  await service.stop()
})

const WHY = { reason: 'request of the person', legal_basis: 'GDPR Art. 17(1)' }
const post = async (url: string, body: object) => {
  const headers = { 'content-type': 'application/json' }
  const answer = await service.app.inject({
    method: 'POST',
    url,
    headers,
    payload: JSON.stringify(body),
  })
  return { status: answer.statusCode, body: answer.json() }
}
const get = async (url: string) => (await service.app.inject({ url })).json()
const verified = async () => assert.equal((await get('/verify')).reason, null)

describe('erasing the details of an entry', () => {
  test('leaves a hash, names the entry that accounts for it, and the log verifies', async () => {
    const { status, body } = await post('/events/2/erase', WHY)
    assert.deepEqual([status, body.count, body.audit.id], [200, 1, 5])
    assert.equal(body.audit.event_type, 'audit.details_erased')
    assert.deepEqual(body.audit.details, { count: 1, first_id: 2, last_id: 2, ...WHY })
    const entry = await get('/events/2')
    assert.deepEqual(
      [entry.details, entry.details_salt, entry.erased, entry.erased_by],
      [null, null, true, 5],
    )
    await verified()
  })

  test('takes the text out of the table and of every export', async () => {
    await post('/events/2/erase', WHY)
    for (const fmt of ['json', 'ndjson', 'csv']) {
      const { body } = await service.app.inject({ url: `/export?fmt=${fmt}` })
      assert.doesNotMatch(body, /person 2/)
      assert.match(body, /person 3/)
    }
    const { rows } = await owner.query("SELECT id FROM audit_log WHERE details LIKE '%person 2%'")
    assert.deepEqual(rows, [])
  })

  test('again erases nothing and says so', async () => {
    await post('/events/2/erase', WHY)
    const { body } = await post('/events/2/erase', WHY)
    assert.equal(body.count, 0)
    assert.equal((await get('/events/2')).erased_by, 5)
    await verified()
  })

  test('of an entry that is not there, or that attests what the control plane did, is refused', async () => {
    await post('/events/2/erase', WHY)
    assert.deepEqual((await post('/events/99/erase', WHY)).body.code, 'not_found')
    const own = await post('/events/5/erase', WHY)
    assert.deepEqual([own.status, own.body.code], [409, 'never_erased'])
  })

  test('needs a reason and a legal basis', async () => {
    for (const body of [{}, { reason: 'r' }, { ...WHY, legal_basis: '' }, { ...WHY, more: 1 }]) {
      assert.equal((await post('/events/2/erase', body)).status, 400)
    }
  })
})

describe('a legal hold', () => {
  test('on a subject keeps its entries, future ones too, until it is released', async () => {
    const placed = await post('/holds', { subject: 'm@2', reason: 'case 4711' })
    assert.deepEqual(
      [placed.body.id, placed.body.subject, placed.body.reason, placed.body.released_at],
      [1, 'm@2', 'case 4711', null],
    )
    const held = await post('/events/2/erase', WHY)
    assert.deepEqual([held.status, held.body.code], [409, 'legal_hold'])
    const { id } = (await service.log({ ...EVENT, subject: 'm@2' })).json()
    assert.equal((await post(`/events/${id}/erase`, WHY)).body.code, 'legal_hold')
    assert.equal((await post('/events/3/erase', WHY)).status, 200)
    const released = await post('/holds/1/release', { reason: 'settled' })
    assert.equal(typeof released.body.released_at, 'string')
    assert.equal((await post('/events/2/erase', WHY)).status, 200)
    await verified()
  })

  test('on a range keeps the entries of the range', async () => {
    await post('/holds', { first_id: 2, last_id: 3, reason: 'audit' })
    assert.equal((await post('/events/1/erase', WHY)).status, 200)
    assert.equal((await post('/events/2/erase', WHY)).status, 409)
    assert.equal((await post('/events/4/erase', WHY)).status, 200)
  })

  test('is on record when it is placed and when it is released, and is released once', async () => {
    await post('/holds', { subject: 'm@2', reason: 'case' })
    await post('/holds/1/release', { reason: 'over' })
    const [released, placed] = await get('/events?limit=2')
    assert.deepEqual(released.details, { hold_id: 1, reason: 'over' })
    assert.deepEqual(placed.details, {
      ...{ first_id: null, hold_id: 1, last_id: null, reason: 'case', subject: 'm@2' },
    })
    assert.deepEqual(
      [placed.event_type, released.event_type],
      ['audit.hold_placed', 'audit.hold_released'],
    )
    assert.equal((await post('/holds/1/release', { reason: 'r' })).body.code, 'already_released')
    assert.equal((await post('/holds/2/release', { reason: 'r' })).status, 404)
  })

  test('is listed, newest first and in pages', async () => {
    for (const subject of ['a', 'b', 'c']) await post('/holds', { subject, reason: 'r' })
    const page = await service.app.inject({ url: '/holds?limit=2' })
    assert.deepEqual(
      page.json().map(({ subject }: { subject: string }) => subject),
      ['c', 'b'],
    )
    assert.match(String(page.headers.link), /before=2/)
    assert.equal((await get('/holds?limit=2&before=2')).length, 1)
  })

  test('is on a subject or on a range, never on both or on a reversed one', async () => {
    for (const body of [
      { reason: 'r' },
      { subject: 's', first_id: 1, last_id: 2, reason: 'r' },
      { first_id: 3, last_id: 2, reason: 'r' },
      { first_id: 3, reason: 'r' },
    ]) {
      assert.equal((await post('/holds', body)).status, 400)
    }
  })
})

test('a change whose answer cannot be read back may have been made, and says so', async () => {
  await owner.query('REVOKE SELECT ON audit_holds FROM audit_service')
  const placed = await post('/holds', { subject: 'm@3', reason: 'case' })
  const released = await post('/holds/1/release', { reason: 'closed' })
  await owner.query('GRANT SELECT ON audit_holds TO audit_service')
  for (const { status, body } of [placed, released]) {
    assert.deepEqual([status, body.code], [503, 'outcome_unknown'])
  }
  assert.deepEqual(
    (await get('/holds')).map(({ id, released_by }: Record<string, number>) => [id, released_by]),
    [[1, 6]],
  )
})

describe('retention', () => {
  const soon = () => new Date(Date.now() + 60_000).toISOString()

  test('goes on beside holds of most of the log, run by run, and counts what they keep of each', async () => {
    await fillLog(owner, 30_000)
    await post('/holds', { first_id: 3, last_id: 6_000, reason: 'case' })
    await post('/holds', { subject: 'm@1', reason: 'case' })
    const { event_type: fills } = await get('/events/29000')
    const run = async () => (await post('/retention', { before: soon(), ...WHY })).body
    const first = await run()
    assert.deepEqual([first.count, first.skipped_held, first.more], [20_000, 5_999, true], fills)
    const second = await run()
    assert.deepEqual([second.count, second.skipped_held, second.more], [4_001, 5_999, false])
    await verified()
  })

  test('erases what is older in one run with one entry, but not what is held or attests', async () => {
    await post('/holds', { subject: 'm@3', reason: 'case' })
    const { body } = await post('/retention', { before: soon(), ...WHY })
    assert.deepEqual([body.count, body.skipped_held, body.more], [3, 1, false])
    const { first_id, last_id, count, skipped_held } = body.audit.details
    assert.deepEqual([first_id, last_id, count, skipped_held], [1, 4, 3, 1])
    const log = await get('/events')
    assert.deepEqual(
      log.map((entry: { erased_by?: number }) => entry.erased_by ?? 0),
      [0, 0, 6, 0, 6, 6],
    )
    await verified()
  })

  test('takes entries of one type only, and only those before the moment', async () => {
    const { created_at } = await get('/events/3')
    await service.log({ ...EVENT, event_type: 'other' })
    const other = await post('/retention', { before: soon(), event_type: 'other', ...WHY })
    assert.equal(other.body.count, 1)
    const { body } = await post('/retention', { before: created_at, ...WHY })
    assert.deepEqual([body.count, body.audit.details.last_id], [2, 2])
    await verified()
  })

  test('that finds nothing to erase, or nothing that old, says so', async () => {
    await post('/retention', { before: soon(), ...WHY })
    assert.equal((await post('/retention', { before: soon(), ...WHY })).body.count, 0)
    const past = await post('/retention', { before: '2020-01-01T00:00:00Z', ...WHY })
    assert.deepEqual([past.status, past.body.count], [200, 0])
    await verified()
  })
})

describe('verification names', () => {
  const unguarded = async (sql: string) => {
    await owner.query("SET session_replication_role = 'replica'")
    await owner.query(sql)
  }
  const blank = 'UPDATE audit_log SET details = NULL, details_salt = NULL, erased_by'

  test('an entry whose details were taken away under cover of an erasure of another', async () => {
    await post('/events/2/erase', WHY)
    await unguarded(`${blank} = 5 WHERE id = 3`)
    assert.equal((await get('/verify')).first_bad_id, 3)
  })

  test('an entry that names no erasure', async () => {
    await service.log(EVENT)
    await unguarded(`${blank} = 5 WHERE id = 3`)
    assert.equal((await get('/verify')).first_bad_id, 3)
  })

  test('an erasure that more or fewer entries name than it counts', async () => {
    await post('/retention', { before: new Date(Date.now() + 60_000).toISOString(), ...WHY })
    await unguarded(
      "UPDATE audit_log SET details = '{}', details_salt = substr(sha256(''), 1, 16), erased_by = NULL WHERE id = 2",
    )
    assert.equal((await get('/verify')).first_bad_id, 2)
    // What its hash says is put back; the erasure now counts one too many.
    await unguarded("UPDATE audit_log SET details_hash = sha256(details_salt || '{}') WHERE id = 2")
    const { rows } = await owner.query('SELECT * FROM audit_log ORDER BY id')
    for (const { id } of rows.slice(1)) {
      await owner.query(
        `UPDATE audit_log AS a SET prev_hash = p.entry_hash, entry_hash = audit_entry_hash(p.entry_hash, a.id,
           unix_microseconds(a.created_at), audit_event_hash(a.event_type, a.subject, a.decision, a.details_hash,
           a.actor, a.request_id)) FROM audit_log AS p WHERE a.id = $1 AND p.id = a.id - 1`,
        [id],
      )
    }
    assert.equal((await get('/verify')).reason, 'the erasure counts 4 entries, and 3 name it')
  })
})
