import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type JsonObject } from '../../clients/typescript/src/index.ts'
import { aigov } from '../../clients/typescript/test/aigov.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

const SHIPPED = join(import.meta.dirname, '../../policies')
let database: TestDatabase
let stack: Stack
let cwd: string
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database, { records: true })
  cwd = mkdtempSync(join(tmpdir(), 'aigov-policies-'))
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(cwd, { recursive: true, force: true })
})

const run = (...args: string[]) => aigov([...args, '--url', stack.gateway.url], { cwd })

/** Payloads that the shipped policies allow, and others that they deny. */
const PAYLOADS: JsonObject[] = ['general', 'hr-screening', 'social-scoring', 'unheard-of'].map(
  (use_case) => ({
    ...EXAMPLE_PAYLOAD,
    use_case,
    oversight: { human: 'in-the-loop', owner: 'Gr\u00fcn \u{1f600}\u2028' },
    exact: [1e21, 0.1, -0, 1e-7],
  }),
)

test('what the service decided is judged again elsewhere, from a verified export alone', async () => {
  const client = createClient({ baseUrl: stack.gateway.url })
  for (const payload of PAYLOADS) {
    const decision = await client.policy.validate(payload)
    const details = JSON.parse(JSON.stringify({ payload, decision })) as JsonObject
    const subject = `model@${String(payload.use_case)}`
    await client.audit.log({
      ...{ event_type: 'model.reviewed', subject, decision: decision.allowed, details },
    })
  }
  // The activation is recorded beside the decisions, and need not be there before the first of them.
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await client.audit.eventsPage({ event_type: 'policy.activated' })
    if (found.items.length > 0) break
    await sleep(100)
  }
  assert.equal((await run('export', '--out', 'audit.ndjson')).code, 0)
  assert.equal((await run('verify', 'audit.ndjson', '--key', stack.verifierKey)).code, 0)
  await stack.policy.end('SIGTERM')
  const { code, out } = await run('policy', 'replay', 'audit.ndjson', '--json')
  await stack.policy.start()
  const { ok, equal, decisions, unequal } = JSON.parse(out)
  assert.deepEqual([code, ok, equal, decisions, unequal], [0, true, 4, 4, []], out)
})

test('diff tells from the same export what a changed policy would turn', async () => {
  const changed = join(cwd, 'changed')
  cpSync(SHIPPED, changed, { recursive: true })
  const file = join(changed, 'risk-matrix.yml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('deny_at: 30', 'deny_at: 3'))
  const { code, out } = await run('policy', 'diff', SHIPPED, 'changed', '--export', 'audit.ndjson')
  assert.equal(code, 1)
  assert.match(out, /risk-matrix\.yml:\d+ changed deny_at: 30 becomes 3$/m)
  assert.match(out, /^entry \d+: allowed becomes denied: Risk score 3 \(low\) reaches the limit/m)
})

test('digest --served tells whether a folder holds the policies that decide', async () => {
  assert.equal((await run('policy', 'digest', SHIPPED, '--served')).code, 0)
  assert.equal((await run('policy', 'digest', 'changed', '--served')).code, 4)
})
