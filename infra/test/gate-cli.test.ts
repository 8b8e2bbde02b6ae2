import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aigov, aigovWithoutSpace } from '../../clients/typescript/test/aigov.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

let database: TestDatabase
let stack: Stack
let cwd: string
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { records: true, signed: true })
  cwd = mkdtempSync(join(tmpdir(), 'aigov-gate-'))
  writeFileSync(join(cwd, 'allowed.json'), JSON.stringify({ payload: EXAMPLE_PAYLOAD }))
  writeFileSync(join(cwd, 'denied.json'), '{}')
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(cwd, { recursive: true, force: true })
})

const run = (...args: string[]) => aigov([...args, '--url', stack.gateway.url], { cwd })

test('aigov gate ends with 0 or 3 by the decision, and shows where it is on record', async () => {
  const allowed = await run('gate', 'allowed.json', '--subject', 'vision@1')
  assert.deepEqual([allowed.code, allowed.err], [0, ''], allowed.out)
  assert.match(allowed.out, /^ALLOWED/m)
  assert.match(allowed.out, /^log entry \d+ {2}[0-9a-f]{64}$/m)
  const denied = await run('gate', 'denied.json', '--subject', 'vision@1', '--json')
  assert.equal(denied.code, 3)
  const { allowed: isAllowed, audit } = JSON.parse(denied.out)
  assert.deepEqual([isAllowed, audit.decision, audit.event_type], [false, false, 'gate.decided'])
})

test('aigov gate writes the receipt to a file, proof and all, and replaces none', async () => {
  const args = ['gate', 'allowed.json', '--subject', 's', '--proof', '--out', 'receipt.json']
  assert.equal((await run(...args)).code, 0)
  const { audit } = JSON.parse(readFileSync(join(cwd, 'receipt.json'), 'utf8'))
  assert.equal(audit.proof.index, audit.id - 1)
  const newest = async () =>
    (await fetch(`${stack.gateway.url}/mcp-audit/events?limit=1`)).json() as Promise<unknown>
  const before = await newest()
  const again = await run(...args)
  assert.equal(again.code, 2)
  assert.match(again.err, /receipt\.json is there already/)
  const nowhere = await run(...args.slice(0, -1), 'no-such/receipt.json')
  assert.deepEqual([nowhere.code, nowhere.out], [1, ''])
  assert.match(nowhere.err, /no-such\/receipt\.json cannot be written/)
  assert.deepEqual(await newest(), before, 'nothing was asked')
  assert.equal((await run(...args, '--force')).code, 0)
})

test('aigov gate shows a decision whose receipt cannot be written, and ends as a failure', async () => {
  const args = ['gate', 'allowed.json', '--subject', 's', '--out', 'full.json']
  const full = await aigovWithoutSpace([...args, '--url', stack.gateway.url], cwd)
  assert.equal(full.code, 1)
  assert.match(full.out, /^log entry \d+ {2}[0-9a-f]{64}$/m)
  assert.match(full.err, /full\.json cannot be written/)
  assert.equal(existsSync(join(cwd, 'full.json')), false)
})

test('aigov receipt verifies what the gate and the log answered with a proof, and nothing that was changed', async () => {
  const key = (await run('audit', 'key')).out.trim()
  const args = ['--subject', 'vision@2', '--proof', '--json']
  const gate = JSON.parse((await run('gate', 'allowed.json', ...args)).out)
  const logged = await fetch(`${stack.gateway.url}/mcp-audit/log?proof=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event_type: 'model.released', subject: 's', decision: true }),
  })
  const log = (await logged.json()) as Record<string, unknown>
  const ended = async (receipt: unknown, by = key) => {
    writeFileSync(join(cwd, 'kept.json'), JSON.stringify(receipt))
    return run('receipt', 'kept.json', '--key', by)
  }
  for (const receipt of [gate, log]) {
    const { code, out, err } = await ended(receipt)
    assert.deepEqual([code, err], [0, ''], out)
    assert.match(out, /^VERIFIED {2}entry \d+/)
  }
  const altered = (path: string, value: unknown) => {
    const copy = structuredClone(gate)
    const names = path.split('.')
    const last = names.pop() as string
    names.reduce((at, name) => at[name], copy)[last] = value
    return copy
  }
  for (const [path, value] of [
    ['allowed', false],
    ['allowed', 'true'],
    ['decision', null],
    ['decision.allowed', false],
    ['decision.reasons', ['x']],
    ['audit.subject', 'vision@3'],
    ['audit.actor', 'key:board'],
    ['audit.decision', false],
    ['audit.created_at', '2026-01-01T00:00:00.000000Z'],
    ['audit.details.decision.risk_score', 1],
    ['audit.event_type', 'model.released'],
    ['audit.id', gate.audit.id + 1],
    ['audit.prev_hash', gate.audit.entry_hash],
    ['audit.proof', log.proof],
    ['audit.proof', null],
    ['audit', log],
    ['audit.subject', 7],
  ] as const) {
    const { code, out } = await ended(altered(path, value))
    assert.equal(code, 4, `${path}: ${out}`)
    assert.match(out, /^NOT VERIFIED/)
  }
  const otherKey = `other${key.slice(key.indexOf('+'))}`
  assert.notEqual((await ended(gate, otherKey)).code, 0)
  assert.equal((await ended([gate])).code, 2)
})

test('aigov vsa verifies the summary of what the gate decided, for the artifact that it was asked about', async () => {
  const key = (await run('audit', 'key')).out.trim()
  const artifact = `sha256:${'c0'.repeat(32)}`
  for (const [payload, code, result] of [
    [EXAMPLE_PAYLOAD, 0, 'PASSED'],
    [{}, 3, 'FAILED'],
  ] as const) {
    writeFileSync(join(cwd, 'named.json'), JSON.stringify({ ...payload, artifacts: [artifact] }))
    const decided = await run('gate', 'named.json', '--subject', 'vision@3', '--json')
    assert.equal(decided.code, code, decided.err)
    const id = String(JSON.parse(decided.out).audit.id)
    const vsa = await run('vsa', id, '--key', key, '--artifact', artifact)
    assert.deepEqual([vsa.code, vsa.err], [code, ''], vsa.out)
    assert.match(vsa.out, new RegExp(`^VERIFIED {2}${result} {2}entry ${id}$`, 'm'))
    const other = await run('vsa', id, '--key', key, '--artifact', `sha256:${'c1'.repeat(32)}`)
    assert.equal(other.code, 4)
  }
  const logged = await run(
    'log',
    '--event-type',
    'e',
    '--subject',
    's',
    '--decision',
    'true',
    '--json',
  )
  assert.equal((await run('vsa', String(JSON.parse(logged.out).id), '--key', key)).code, 7)
})

test('aigov gate gives the recorded decision to whoever asks again under its key', async () => {
  const ask = () =>
    run('gate', 'allowed.json', '--subject', 's', '--idempotency-key', 'k', '--json')
  const [first, again] = [await ask(), await ask()]
  assert.equal(again.out, first.out)
  const other = await run('gate', 'allowed.json', '--subject', 'x', '--idempotency-key', 'k')
  assert.equal(other.code, 7)
  assert.match(other.err, /idempotency_conflict/)
})

test('aigov gate says what it needs', async () => {
  const noSubject = await run('gate', 'allowed.json')
  assert.equal(noSubject.code, 2)
  assert.match(noSubject.err, /--subject/)
  const record = await run('gate', 'allowed.json', '--subject', 's', '--record', 'all')
  assert.equal(record.code, 2)
  assert.match(record.err, /full or digest/)
})

test('what the gate recorded in full can be judged again from an export alone', async () => {
  const full = ['--subject', 'replayed@1', '--record', 'full']
  assert.equal((await run('gate', 'allowed.json', ...full)).code, 0)
  assert.equal((await run('gate', 'denied.json', ...full)).code, 3)
  assert.equal((await run('gate', 'denied.json', '--subject', 'not-replayed@1')).code, 3)
  assert.equal((await run('export', '--out', 'audit.ndjson')).code, 0)
  const replay = await run('policy', 'replay', 'audit.ndjson', '--format', 'json')
  const { ok, decisions, equal } = JSON.parse(replay.out)
  assert.deepEqual([replay.code, ok, decisions, equal], [0, true, 2, 2], replay.out + replay.err)
})
