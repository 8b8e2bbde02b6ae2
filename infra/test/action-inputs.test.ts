// What the action takes, and what it says to what it does not take.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { actionFolder, manifest, runStep } from './action-step.ts'

/** Nothing is sent: no test of this file has a gateway. */
const RIGHT = { url: 'http://127.0.0.1:1', subject: 'fraud-detector@1.2.3' }

test('action.yml names exactly the inputs that the step reads', async () => {
  const inputs = (await import(pathToFileURL(join(actionFolder, 'inputs.js')).href)) as {
    readInputs(env: Record<string, string>): unknown
  }
  const read = new Set<string>()
  const env = {
    INPUT_URL: 'https://gov.example.org',
    INPUT_SUBJECT: 'a',
    INPUT_PAYLOAD: '{}',
    INPUT_RECORD: 'digest',
    INPUT_PROOF: 'true',
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
  ['a record of something else', { record: 'payload' }, /record must be digest, or full/],
  ['a token without TLS', { url: 'http://x.example', token: 'abc' }, /over https/],
  ['a token in quotes', { token: '"abc"' }, /no bearer token has/],
]
for (const [what, inputs, sentence] of wrongInputs) {
  test(`${what} fails the job with a sentence that does not quote the value`, async () => {
    const { code, outputs, commands, stdout, stderr } = await runStep({
      ...RIGHT,
      ...(!('payload-file' in inputs) && { payload: '{}' }),
      ...inputs,
    })
    assert.equal(code, 1)
    assert.match(commands.at(-1)?.message ?? '', sentence)
    assert.doesNotMatch(stdout + stderr, /SECRET/)
    assert.equal(outputs.allowed, 'false')
  })
}

test('the JSDoc types of the action hold', async () => {
  const compiler = join(actionFolder, '../../node_modules/typescript/bin/tsc')
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
