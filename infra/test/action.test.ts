import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { freePort } from '../local/ports.ts'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { scratchFolder } from '../test-support/scratch.ts'
import { type Stack, startStack } from '../test-support/stack.ts'
import { actionFolder, JOB, manifest, runStep } from './action-step.ts'

const root = join(import.meta.dirname, '..', '..')
const GOOD = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}
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

/** The step against the stack, with a good payload unless another is given. */
const gate = (inputs: Record<string, string> = {}) =>
  runStep({
    url: stack.gateway.url,
    subject: 'fraud-detector@1.2.3',
    ...(!('payload-file' in inputs) && { payload: JSON.stringify(GOOD) }),
    ...inputs,
  })

interface StoredEntry {
  event_type: string
  subject: string
  decision: boolean
  request_id: string
  entry_hash: string
  details: Record<string, unknown>
}

async function storedEntry(id: string | undefined): Promise<StoredEntry> {
  const response = await fetch(`${stack.gateway.url}/mcp-audit/events/${id}`)
  assert.equal(response.status, 200)
  return (await response.json()) as StoredEntry
}

test('a model that may go on goes on, and that is on the log', async () => {
  const { code, outputs, commands, stdout } = await gate()
  assert.equal(code, 0, stdout)
  assert.deepEqual(commands, [])
  const entry = await storedEntry(outputs['entry-id'])
  assert.deepEqual(
    [entry.event_type, entry.subject, entry.decision, entry.entry_hash, entry.request_id],
    ['model.gated', 'fraud-detector@1.2.3', true, outputs['entry-hash'], outputs['request-id']],
  )
  const { policy, aibom, job, ...facts } = entry.details
  assert.deepEqual(facts, {
    decision_id: outputs['decision-id'],
    input_digest: outputs['input-digest'],
    risk_score: 3,
    risk_level: 'low',
    reasons: [],
  })
  assert.equal((policy as { digest: string }).digest, outputs['policy-digest'])
  assert.equal((aibom as { status: string }).status, 'absent')
  assert.deepEqual(job, {
    server: JOB.GITHUB_SERVER_URL,
    repository: JOB.GITHUB_REPOSITORY,
    sha: JOB.GITHUB_SHA,
    run_id: JOB.GITHUB_RUN_ID,
    run_attempt: JOB.GITHUB_RUN_ATTEMPT,
  })
  assert.deepEqual(
    [outputs.allowed, outputs['risk-score'], outputs['risk-level']],
    ['true', '3', 'low'],
  )
})

test('action.yml names exactly the outputs that the step writes, also when there is no answer', async () => {
  const names = Object.keys(manifest.outputs)
  assert.deepEqual(Object.keys((await gate()).outputs), names)
  assert.deepEqual(Object.keys((await gate({ subject: '' })).outputs), names)
})

test('action.yml names exactly the inputs that the step reads', async () => {
  const inputs = (await import(pathToFileURL(join(actionFolder, 'inputs.js')).href)) as {
    readInputs(env: Record<string, string>): unknown
  }
  const read = new Set<string>()
  const env = {
    INPUT_URL: 'https://gov.example.org',
    INPUT_SUBJECT: 'a',
    INPUT_PAYLOAD: '{}',
    'INPUT_EVENT-TYPE': 'model.gated',
    'INPUT_FAIL-ON-DENY': 'true',
    'INPUT_TIMEOUT-SECONDS': '60',
  }
  const get = (target: Record<string, string>, name: string) => {
    read.add(name)
    return target[name] ?? ''
  }
  inputs.readInputs(new Proxy<Record<string, string>>(env, { get }))
  const named = Object.keys(manifest.inputs).map((name) => `INPUT_${name.toUpperCase()}`)
  assert.deepEqual([...read].sort(), named.sort())
})

test('a deny fails the job, is on the log and has an annotation for each reason', async () => {
  const { code, outputs, commands, summary } = await gate({ payload: JSON.stringify(BAD) })
  assert.equal(code, 1)
  const entry = await storedEntry(outputs['entry-id'])
  assert.equal(entry.decision, false)
  const reasons = entry.details.reasons as string[]
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
  writeFileSync(file, JSON.stringify(GOOD, null, 2))
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
  for (const payload of [GOOD, {}]) {
    const { outputs } = await gate({ payload: ` ${JSON.stringify(payload)}`, 'aibom-file': file })
    const { aibom } = (await storedEntry(outputs['entry-id'])).details
    assert.equal((aibom as { status: string }).status, 'untrusted_key')
  }
})

test('a decision that the log refuses to take fails the job, an allow included', async () => {
  const { code, outputs, commands, summary } = await gate({ 'event-type': 'policy.mine' })
  assert.equal(code, 1)
  assert.match(commands.at(-1)?.message ?? '', /event_type_reserved.* nothing is allowed/)
  assert.deepEqual([outputs.allowed, outputs['entry-id']], ['false', ''])
  assert.match(summary, /not allowed, because the decision is not on record/)
})

test('a gateway that is not there fails the job with a sentence', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  const { code, outputs, commands, stderr } = await gate({ url, 'timeout-seconds': '1' })
  assert.equal(code, 1)
  assert.equal(commands.length, 1)
  assert.match(
    commands[0]?.message ?? '',
    /^POST .*\/mcp-policy\/validate had no answer \(ECONNREFUSED\).*nothing is allowed\.$/,
  )
  assert.deepEqual([outputs.allowed, outputs['decision-id'], stderr], ['false', '', ''])
})

test('an address that ends in an empty query or fragment is that of the same gateway', async () => {
  for (const end of ['/?', '/#', '/']) {
    const { code, stdout } = await gate({ url: stack.gateway.url + end })
    assert.equal(code, 0, stdout)
  }
})

const wrongInputs: [string, Record<string, string>, RegExp][] = [
  ['no subject', { subject: ' ' }, /input subject is missing/],
  ['no payload', { payload: '' }, /exactly one of the inputs payload/],
  ['two payloads', { payload: '{}', 'payload-file': 'x' }, /exactly one of the inputs payload/],
  ['a payload that is no JSON', { payload: '{"a":SECRET-4711}' }, /payload is not valid JSON/],
  ['a payload that is no object', { payload: '["SECRET-4711"]' }, /payload must be a JSON object/],
  ['a file that is not there', { 'payload-file': 'nowhere.json' }, /cannot be read \(ENOENT\)/],
  ['an address with a password', { url: 'https://u:SECRET-4711@x' }, /input url must be/],
  ['an address with no more than a password', { url: 'https://:SECRET@x' }, /input url must be/],
  ['an address with a query', { url: 'https://x?SECRET-4711' }, /input url must be/],
  ['a switch that is no boolean', { 'fail-on-deny': 'no' }, /fail-on-deny must be true or false/],
  [
    'a time that is too long',
    { 'timeout-seconds': '601' },
    /timeout-seconds must be a whole number/,
  ],
  ['a token without TLS', { url: 'http://x.example', token: 'abc' }, /over https/],
  ['a token in quotes', { token: '"abc"' }, /no bearer token has/],
]
for (const [what, inputs, sentence] of wrongInputs) {
  test(`${what} fails the job with a sentence that does not quote the value`, async () => {
    const { code, outputs, commands, stdout, stderr } = await gate(inputs)
    assert.equal(code, 1)
    assert.match(commands.at(-1)?.message ?? '', sentence)
    assert.doesNotMatch(stdout + stderr, /SECRET/)
    assert.equal(outputs.allowed, 'false')
  })
}

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

test('the JSDoc types of the action hold', async () => {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const child = spawn(process.execPath, [compiler, '--noEmit', '-p', actionFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0, said)
})
