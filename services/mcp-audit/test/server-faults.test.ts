import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkLog } from '@ai-governance/infra/test-support/check-log'
import { Client } from 'pg'
import { EVENT, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
before(async () => {
  service = await startService()
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
})
after(async () => {
  await owner.end()
  await service.stop()
})

// What a real server says when it is full, broken, a standby, or in a deadlock, said on purpose.
for (const [state, code] of [
  ['53100', 'database_unavailable'],
  ['53200', 'database_unavailable'],
  ['58030', 'database_unavailable'],
  ['25006', 'database_unavailable'],
  ['42883', 'database_unavailable'],
  ['42P01', 'database_unavailable'],
  ['40001', 'database_busy'],
  ['40P01', 'database_busy'],
  ['55P03', 'database_busy'],
] as const) {
  test(`a server that fails with ${state} is 503 ${code}, and the next append works`, async () => {
    await owner.query(
      `CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${state}'; END $$;
       CREATE TRIGGER fail BEFORE INSERT ON audit_log EXECUTE FUNCTION fail()`,
    )
    const answer = await service.log(EVENT)
    await owner.query('DROP TRIGGER fail ON audit_log')
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.json().code, code)
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal((await service.log(EVENT)).statusCode, 200)
    await checkLog(service.database.ownerUrl)
  })
}

test('searches without an index take two connections, and leave the others to small reads', async () => {
  await owner.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE')
  const asked = ['actor=nobody', 'decision=false&limit=1', 'decision=false&limit=500'].flatMap(
    (query) => Array.from({ length: 4 }, () => service.app.inject({ url: `/events?${query}` })),
  )
  const waiting = async () => {
    const { rows } = await owner.query(
      `SELECT FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
        WHERE NOT l.granted AND c.relname = 'audit_log' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    return rows.length
  }
  while ((await waiting()) < 2) await sleep(10)
  const small = service.app.inject({ url: '/events/1' })
  while ((await waiting()) < 3) await sleep(10)
  assert.equal(await waiting(), 3)
  await owner.query('ROLLBACK')
  assert.equal((await small).statusCode, 200)
  await Promise.all(asked)
})

test('a table that is locked makes appends and reads 503, and takes none of the others with it', async () => {
  await owner.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE')
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, () => service.log(EVENT)),
    ...Array.from({ length: 20 }, () => service.app.inject({ url: '/events' })),
    ...Array.from({ length: 20 }, () => service.app.inject({ url: '/readyz' })),
  ])
  await owner.query('ROLLBACK')
  const codes = (from: number) => [
    ...new Set(answers.slice(from, from + 20).map((a) => a.json().code)),
  ]
  assert.deepEqual(codes(0), ['database_busy'])
  assert.deepEqual(codes(20), ['database_busy'])
  assert.deepEqual([...new Set(answers.slice(40).map((answer) => answer.statusCode))], [200])
  assert.equal((await service.log(EVENT)).statusCode, 200)
})

test('a repeat that waits for its first request hears with it that the log is locked', async () => {
  await owner.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE')
  const heard: string[] = []
  const send = async () => {
    const answer = await service.log(EVENT, { 'idempotency-key': 'twice' })
    heard.push(answer.json().code)
  }
  const both = [send(), send()]
  await Promise.race(both)
  // Sent again, the repeat would wait for the lock anew, for more turns of the event loop than these.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  const inTime = [...heard]
  await owner.query('ROLLBACK')
  await Promise.all(both)
  assert.deepEqual(inTime, ['database_busy', 'database_busy'])
  assert.equal((await service.log(EVENT, { 'idempotency-key': 'twice' })).statusCode, 200)
})

test('a backend that dies while it commits leaves only what it had been given in doubt', async () => {
  await owner.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE')
  const first = service.log(EVENT)
  const waiting = async () =>
    (
      await owner.query(`SELECT count(*)::int AS n FROM pg_stat_activity
                         WHERE usename = 'audit_service' AND datname = current_database()
                           AND wait_event_type = 'Lock'`)
    ).rows[0].n
  while ((await waiting()) === 0);
  const behind = [service.log(EVENT), service.log(EVENT)]
  await new Promise((resolve) => setImmediate(resolve))
  await owner.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE usename = 'audit_service' AND datname = current_database()`)
  await owner.query('ROLLBACK')
  assert.equal((await first).json().code, 'outcome_unknown')
  for (const answer of await Promise.all(behind)) {
    // Sent with the next batch, or answered with the failure of the one ahead; never in doubt.
    assert.notEqual(answer.json().code, 'outcome_unknown')
  }
})

// What PostgreSQL says, and nothing else, when the wait for a synchronous standby is cancelled: the commit stands, but
// on one server alone.
test('a commit that the server warns of is in doubt, and not acknowledged', async () => {
  await owner.query(
    `CREATE OR REPLACE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE WARNING 'on purpose'; RETURN NULL; END $$;
     CREATE TRIGGER warn AFTER INSERT ON audit_log EXECUTE FUNCTION warn()`,
  )
  const key = { 'idempotency-key': 'warned' }
  const answer = await service.log(EVENT, key)
  await owner.query('DROP TRIGGER warn ON audit_log')
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.json().code, 'outcome_unknown')
  const again = await service.log(EVENT, key)
  assert.equal(again.statusCode, 200)
  assert.equal(again.headers['idempotency-replayed'], 'true')
})

test('what a login has set for its own role does not change what the service does', async () => {
  const { rows } = await owner.query('SELECT current_database() AS name')
  // In this database only: other tests use the same role at the same time.
  const role = `ALTER ROLE audit_service IN DATABASE ${rows[0].name}`
  await owner.query(`${role} SET default_transaction_read_only = on;
                     ${role} SET default_transaction_isolation = serializable;
                     ${role} SET search_path = pg_catalog;
                     ${role} SET client_min_messages = error;
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE usename = 'audit_service' AND datname = current_database()`)
  assert.equal((await service.log(EVENT)).statusCode, 200)
  assert.equal((await service.app.inject({ url: '/events' })).statusCode, 200)
  assert.equal((await service.app.inject({ url: '/readyz' })).statusCode, 200)
})
