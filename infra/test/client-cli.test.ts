import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client } from 'pg'
import { aigov, type Ended } from '../../clients/typescript/test/aigov.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { appendEvents } from '../test-support/appenders.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/register_model.json')
let database: TestDatabase
let stack: Stack
let cwd: string
before(async () => {
  database = await createTestDatabase()
  cwd = mkdtempSync(join(tmpdir(), 'aigov-stack-'))
  const policies = join(cwd, 'policies')
  cpSync(join(import.meta.dirname, '../../policies'), policies, { recursive: true })
  stack = await startStack(database, { policies })
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(cwd, { recursive: true, force: true })
})

const run = (args: string[], input?: string): Promise<Ended> =>
  aigov([...args, '--url', stack.gateway.url], { cwd, ...(input !== undefined && { input }) })
const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text)
  return name
}

test('status shows that everything is ready, and by which policies it decides', async () => {
  const { code, out, err } = await run(['status'])
  assert.deepEqual([code, err], [0, ''])
  assert.equal(out.match(/ ready/g)?.length, 4)
  assert.match(out, /policies +model-release 2026\.11\.1, sha256:/)
  const status = JSON.parse((await run(['status', '--json'])).out)
  assert.deepEqual([status.ready, Object.keys(status.services).length], [true, 3])
})

test('status tells that the folder holds policies that were not taken, and what is wrong with them', async () => {
  const matrix = join(cwd, 'policies', 'risk-matrix.yml')
  const good = readFileSync(matrix, 'utf8')
  const untilStale = async (expected: boolean): Promise<Ended> => {
    for (;;) {
      const ended = await run(['status'])
      if (ended.out.includes('STALE') === expected) return ended
    }
  }
  writeFileSync(matrix, good.replace('deny_at:', 'deny_att:'))
  const { code, out } = await untilStale(true)
  assert.equal(code, 0)
  assert.match(
    out,
    /STALE +since \d{4}-\S+ the folder holds policies with \d+ errors?; the ones above/,
  )
  assert.match(out, /risk-matrix\.yml:\d+:\d+ unknown_key/)
  const { policy } = JSON.parse((await run(['status', '--json'])).out)
  assert.deepEqual([policy.recorded, policy.stale.errors.length > 0], [false, true])
  writeFileSync(matrix, good)
  await untilStale(false)
})

test('a model is registered from a file, and its artifacts cannot be exchanged', async () => {
  const { code, out } = await run(['register', EXAMPLE])
  assert.equal(code, 0)
  assert.match(out, /Registered fraud-detector@1\.2\.3, revision 1\./)
  const conflict = await run(['register', EXAMPLE, '--artifact', `sha256:${'0'.repeat(64)}`])
  assert.equal(conflict.code, 7)
  assert.match(conflict.err, /artifacts_conflict \(409\)[\s\S]*under a new version/)
})

test('a model is registered from options, with the digests of its files', async () => {
  const weights = write('model.bin', 'weights')
  const digest = `sha256:${'ab'.repeat(32)}`
  const { code, out, err } = await run([
    ...['register', '--model-id', 'by-options', '--version', '1', '--created-by', 'team', '--json'],
    ...[
      '--artifact',
      weights,
      '--artifact',
      digest,
      '--parent',
      'org/base@4@0',
      '--parent',
      'dataset:d@1',
    ],
    ...[
      '--metadata',
      write('metadata.json', '{"a":1}'),
      '--aibom',
      write('aibom.json', '{"data":{}}'),
    ],
  ])
  assert.equal(code, 0, err)
  const record = JSON.parse(out)
  const sha256 = createHash('sha256').update('weights').digest('hex')
  assert.deepEqual(record.artifacts, [`sha256:${sha256}`, digest])
  assert.deepEqual(record.parents, [{ model_id: 'org/base@4', version: '0' }, { dataset: 'd@1' }])
  assert.deepEqual([record.metadata, record.aibom], [{ a: 1 }, { data: {} }])
})

test('an allowed payload is exit code 0 and a denied one 3, with its reasons', async () => {
  const allowed = await run(['validate', '-'], JSON.stringify({ payload: EXAMPLE_PAYLOAD }))
  assert.equal(allowed.code, 0)
  assert.match(allowed.out, /^ALLOWED {2}risk score 3 /)
  const denied = await run(['validate', write('denied.json', '{"model_class":"vision"}')])
  assert.equal(denied.code, 3)
  assert.match(denied.out, /^DENIED[\s\S]*reason: Risk score 45/)
  const whole = await run(['validate', 'denied.json', '--json'])
  assert.deepEqual([whole.code, JSON.parse(whole.out).allowed], [3, false])
})

test('a signed bill of materials travels with the payload', async () => {
  await run(['aibom', 'keygen'])
  write('bom.json', '{"model_id":"m","version":"1"}')
  await run(['aibom', 'sign', 'bom.json', '--key', 'aibom_private_key.pem', '--out', 'signed.json'])
  const file = write('payload.json', JSON.stringify(EXAMPLE_PAYLOAD))
  const { out } = await run(['validate', file, '--aibom', 'signed.json', '--json'])
  assert.equal(JSON.parse(out).aibom.status, 'untrusted_key')
})

test('an event is logged from options and from a file', async () => {
  const flags = ['--event-type', 'model.released', '--subject', 's@1', '--decision', 'false']
  const first = await run(['log', ...flags, '--details', '{"ticket":"OPS-1"}', '--json'])
  const entry = JSON.parse(first.out)
  assert.deepEqual([first.code, entry.decision, entry.details], [0, false, { ticket: 'OPS-1' }])
  const second = await run(['log', '-'], '{"event_type":"a","subject":"b","decision":true}')
  assert.match(second.out, new RegExp(`^Entry ${entry.id + 1} at `))
  const reserved = await run([
    'log',
    '--event-type',
    'audit.x',
    '--subject',
    's',
    '--decision',
    'true',
  ])
  assert.equal(reserved.code, 7)
  assert.match(reserved.err, /event_type_reserved \(403\)/)
})

test('the log is exported and verified, and a range of it by the proof of its last entry', async () => {
  await appendEvents(`${stack.gateway.url}/mcp-audit/log`, 32, (n) => n >= 3_000)
  const count = await checkLog(database.ownerUrl)
  const exported = await run(['export', '--out', 'audit.ndjson'])
  assert.equal(exported.code, 0)
  assert.match(exported.err, new RegExp(`Exported ${count} entries`))
  const pinned = ['--key', stack.verifierKey]
  const verdict = JSON.parse((await run(['verify', 'audit.ndjson', '--json', ...pinned])).out)
  assert.deepEqual([verdict.result, verdict.entries, verdict.size], ['verified', count, count])
  assert.equal((await run(['verify', 'audit.ndjson'])).code, 8)
  const part = await run(['export', '--from-id', '100', '--to-id', '200'])
  const verified = await run(['verify', '-', ...pinned], part.out)
  assert.equal(verified.code, 0, verified.out)
  // The proof of the last entry stands for everything before the first.
  assert.match(verified.out, /101 entries \(100 to 200\)/)
  assert.doesNotMatch(verified.out, /warning/)
  for (const format of ['json', 'csv']) {
    const { code, out } = await run(['export', '--format', format, '--to-id', '3'])
    assert.deepEqual([code, out.includes('fraud-detector@1.2.3')], [0, true])
  }
})

test('a checkpoint that was kept shows later that the past still stands', async () => {
  const key = await run(['audit', 'key'])
  assert.deepEqual([key.code, key.out], [0, `${stack.verifierKey}\n`])
  const pinned = ['--key', write('log.vkey', key.out)]
  const kept = await run(['audit', 'checkpoint', ...pinned])
  assert.equal(kept.code, 0, kept.err)
  await run(['log', '--event-type', 'later', '--subject', 's', '--decision', 'true'])
  const { out } = await run(['export'])
  const earlier = ['--checkpoint', write('kept.note', kept.out)]
  const { code, out: said } = await run(['verify', '-', ...pinned, ...earlier], out)
  assert.equal(code, 0, said)
})

test('one bit that is flipped in the database is named alike by service and command line', async () => {
  const owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  await owner.query("SET session_replication_role = 'replica'")
  await owner.query('UPDATE audit_log SET decision = NOT decision WHERE id = 777')
  await owner.end()
  const answer = await fetch(`${stack.gateway.url}/mcp-audit/verify`)
  const service = (await answer.json()) as { first_bad_id: number; reason: string }
  await run(['export', '--out', 'flipped.ndjson'])
  const { code, out } = await run(['verify', 'flipped.ndjson', '--json'])
  const verdict = JSON.parse(out)
  assert.deepEqual([code, verdict.first_bad_id, verdict.entries], [4, 777, 776])
  assert.deepEqual([service.first_bad_id, service.reason], [777, verdict.reason])
  assert.ok(readFileSync(join(cwd, 'flipped.ndjson')).length > 0)
})

test('a service that is not ready is exit code 7, and status names it', async () => {
  await stack.policy.end('SIGTERM')
  let ended: Ended
  // The gateway keeps what it knows of readiness for a second.
  do ended = await run(['status', '--json'])
  while (ended.code === 0)
  await stack.policy.start()
  assert.equal(ended.code, 7)
  const status = JSON.parse(ended.out)
  assert.deepEqual(
    [status.ready, status.gateway.ready, status.services['mcp-policy'].ready],
    [false, false, false],
  )
  assert.equal(status.services['mcp-audit'].ready, true)
})
