import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { parseJson, verifyReceipt } from '../../clients/typescript/src/index.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { freePort } from '../local/ports.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { type Stack, startStack } from '../test-support/stack.ts'
import { actionFolder, manifest, runStep } from './action-step.ts'

/** Denied three times over: an unknown class, a use that is prohibited, a risk that nobody stated. */
const BAD = { model_class: 'CANARY-4711', use_case: 'social-scoring' }

let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
})
after(async () => {
  await stack.stop()
  await database.drop()
})
afterEach(async () => {
  await checkLog(database.ownerUrl)
})

/** The step against the stack, with a good payload unless another is given, in a job of its own unless told which. */
const gate = (inputs: Record<string, string> = {}, job?: Record<string, string>) =>
  runStep(
    {
      url: stack.gateway.url,
      subject: 'fraud-detector@1.2.3',
      ...(!('payload-file' in inputs) && { payload: JSON.stringify(EXAMPLE_PAYLOAD) }),
      ...inputs,
    },
    job,
  )

interface StoredEntry {
  event_type: string
  subject: string
  decision: boolean
  request_id: string
  entry_hash: string
  details: { record: string; payload?: unknown; decision: Record<string, unknown> }
}

async function storedEntry(id: string | undefined): Promise<StoredEntry> {
  const response = await fetch(`${stack.gateway.url}/mcp-audit/events/${id}`)
  assert.equal(response.status, 200)
  return (await response.json()) as StoredEntry
}

test('a model that may go on goes on, and that is on the log', async () => {
  const { code, outputs, commands, stdout } = await gate({}, { GITHUB_RUN_ID: '4712' })
  assert.equal(code, 0, stdout)
  assert.deepEqual(commands, [])
  const entry = await storedEntry(outputs['entry-id'])
  assert.deepEqual(
    [entry.event_type, entry.subject, entry.decision, entry.entry_hash, entry.request_id],
    ['gate.decided', 'fraud-detector@1.2.3', true, outputs['entry-hash'], outputs['request-id']],
  )
  assert.match(entry.request_id, /^gate-4712-2-/)
  const { decision_id, input_digest, policy } = entry.details.decision
  assert.deepEqual(
    [decision_id, input_digest, (policy as { digest: string }).digest],
    [outputs['decision-id'], outputs['input-digest'], outputs['policy-digest']],
  )
  assert.deepEqual(
    [outputs.allowed, outputs['risk-score'], outputs['risk-level'], outputs.replayed],
    ['true', '3', 'low', 'false'],
  )
  assert.deepEqual([entry.details.record, 'payload' in entry.details], ['digest', false])
})

test('the receipt is verified without any server, and the summary shows what it proves', async () => {
  const { outputs, receipt, summary } = await gate()
  const verdict = verifyReceipt(parseJson(receipt), stack.verifierKey)
  assert.ok(verdict.ok)
  assert.equal(verdict.entry.entry_hash, outputs['entry-hash'])
  assert.equal(outputs.checkpoint, verdict.entry.proof?.checkpoint)
  assert.match(summary, new RegExp(`\\| Log entry \\| ${outputs['entry-id']} \\|`))
  assert.match(summary, new RegExp(`\\| Entry hash \\| ${outputs['entry-hash']} \\|`))
  assert.match(summary, /\| Proven under checkpoint \| \S+ \d+ \S+ \|/)
})

test('a job that is run again gets the decision that is on record, in this step and about the same', async () => {
  const entryOf = async (job: Record<string, string>, inputs: Record<string, string> = {}) => {
    const { code, outputs, stdout } = await gate(inputs, { GITHUB_RUN_ID: '4713', ...job })
    assert.equal(code, 0, stdout)
    return [outputs['entry-id'], outputs.replayed]
  }
  const first = await entryOf({ GITHUB_RUN_ATTEMPT: '1' })
  assert.equal(first[1], 'false')
  assert.deepEqual(await entryOf({ GITHUB_RUN_ATTEMPT: '2' }), [first[0], 'true'])
  const payload = JSON.stringify({ ...EXAMPLE_PAYLOAD, purpose: 'another' })
  for (const [job, inputs] of [
    [{ GITHUB_RUN_ID: '4714' }, {}],
    [{ GITHUB_REPOSITORY: 'acme/other' }, {}],
    [{ GITHUB_JOB: 'other' }, {}],
    [{ GITHUB_ACTION: 'gate_2' }, {}],
    [{}, { subject: 'fraud-detector@1.2.4' }],
    [{}, { payload }],
    [{}, { record: 'full' }],
    // No run: nothing to come back to.
    [{ GITHUB_RUN_ID: '' }, {}],
    [{ GITHUB_RUN_ID: '' }, {}],
  ] as [Record<string, string>, Record<string, string>][]) {
    assert.deepEqual((await entryOf(job, inputs))[1], 'false', JSON.stringify([job, inputs]))
  }
})

test('a deny stands when the job is run again, and fails it again', async () => {
  const payload = JSON.stringify(BAD)
  const [first, again] = [
    await gate({ payload }, { GITHUB_RUN_ID: '4715', GITHUB_RUN_ATTEMPT: '1' }),
    await gate({ payload }, { GITHUB_RUN_ID: '4715', GITHUB_RUN_ATTEMPT: '2' }),
  ]
  assert.deepEqual([first.code, again.code, again.outputs.allowed], [1, 1, 'false'])
  assert.equal(again.outputs['entry-id'], first.outputs['entry-id'])
})

test('with record full the payload is on the log, and without a proof none is in the receipt', async () => {
  const { code, outputs, receipt } = await gate({ record: 'full', proof: 'false' })
  assert.equal(code, 0)
  assert.deepEqual((await storedEntry(outputs['entry-id'])).details.payload, EXAMPLE_PAYLOAD)
  assert.equal(outputs.checkpoint, '')
  assert.equal('proof' in JSON.parse(receipt).audit, false)
})

test('action.yml names exactly the outputs that the step writes, also when there is no answer', async () => {
  const names = Object.keys(manifest.outputs)
  assert.deepEqual(Object.keys((await gate()).outputs), names)
  assert.deepEqual(Object.keys((await gate({ subject: '' })).outputs), names)
})

test('a deny fails the job, is on the log and has an annotation for each reason', async () => {
  const { code, outputs, commands, summary } = await gate({ payload: JSON.stringify(BAD) })
  assert.equal(code, 1)
  const entry = await storedEntry(outputs['entry-id'])
  assert.equal(entry.decision, false)
  const reasons = entry.details.decision.reasons as string[]
  assert.ok(reasons.length >= 3)
  assert.deepEqual(
    commands,
    reasons.map((message) => ({ name: 'error', title: 'Governance gate', message })),
  )
  assert.equal(outputs.allowed, 'false')
  assert.match(summary, /^### Governance gate: denied\n/)
  assert.equal(summary.match(/^- /gm)?.length, reasons.length)
})

test('with fail-on-deny false a deny warns, is on the log and lets the job go on', async () => {
  const { code, outputs, commands } = await gate({
    payload: JSON.stringify(BAD),
    'fail-on-deny': 'false',
  })
  assert.equal(code, 0)
  assert.equal(outputs.allowed, 'false')
  assert.deepEqual([...new Set(commands.map(({ name }) => name))], ['warning'])
  assert.equal((await storedEntry(outputs['entry-id'])).decision, false)
})

test('a payload in a file is judged like the same one inline', async (t) => {
  const file = join(scratchFolder(t), 'payload.json')
  writeFileSync(file, JSON.stringify(EXAMPLE_PAYLOAD, null, 2))
  const { code, outputs, stdout } = await gate({ 'payload-file': file })
  assert.equal(code, 0, stdout)
  assert.equal(outputs['input-digest'], (await gate()).outputs['input-digest'])
})

test('the payload that the README shows may go on', async () => {
  const page = readFileSync(join(actionFolder, 'README.md'), 'utf8')
  const payload = /^```json\n([\s\S]*?)^```/m.exec(page)?.[1] ?? ''
  const { code, stdout } = await gate({ payload })
  assert.equal(code, 0, stdout)
})

test('the bill of materials arrives as a member of the payload', async (t) => {
  const file = join(scratchFolder(t), 'aibom.json')
  writeFileSync(file, JSON.stringify({ data: { model_id: 'm' }, signature: '0'.repeat(128) }))
  for (const payload of [EXAMPLE_PAYLOAD, {}]) {
    const { outputs } = await gate({ payload: ` ${JSON.stringify(payload)}`, 'aibom-file': file })
    const { aibom } = (await storedEntry(outputs['entry-id'])).details.decision
    assert.equal((aibom as { status: string }).status, 'untrusted_key')
  }
})

test('a gateway that is not there fails the job with a sentence', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  const { code, outputs, commands, stderr } = await gate({ url, 'timeout-seconds': '1' })
  assert.equal(code, 1)
  assert.equal(commands.length, 1)
  assert.match(
    commands[0]?.message ?? '',
    /^POST .*\/api\/v1\/gate\?proof=true had no answer \(ECONNREFUSED\).*nothing is allowed\./,
  )
  assert.deepEqual([outputs.allowed, outputs['decision-id'], stderr], ['false', '', ''])
})

test('an address that ends in an empty query or fragment is that of the same gateway', async () => {
  for (const end of ['/?', '/#', '/']) {
    const { code, stdout } = await gate({ url: stack.gateway.url + end })
    assert.equal(code, 0, stdout)
  }
})

test('a name that comes twice in the payload is for the control plane to refuse', async () => {
  const { code, commands } = await gate({
    payload: '{"use_case":"social-scoring","use_case":"general"}',
  })
  assert.equal(code, 1)
  assert.match(commands[0]?.message ?? '', /invalid_json/)
})

test('the token is masked before anything else, and neither it nor the payload is printed', async () => {
  const payload = JSON.stringify(BAD)
  const { stdout, stderr, summary, outputs } = await gate({ payload, token: 'TOKEN-4711' })
  const [first, ...others] = stdout.split('\n')
  assert.equal(first, '::add-mask::TOKEN-4711')
  const rest = [...others, stderr, summary, ...Object.values(outputs)].join('\n')
  assert.doesNotMatch(rest, /TOKEN-4711|CANARY-4711/)
})
