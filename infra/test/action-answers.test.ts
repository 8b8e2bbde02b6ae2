// The action against answers that are not the recorded decision about what was asked.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  type Answer,
  DECISION,
  ENTRY,
  json,
  PROOF,
  RECORDED,
  recorded,
  scripted,
} from './action-server.ts'
import { actionFolder } from './action-step.ts'

const DETAILS = ENTRY.details
const DENIED = { ...DECISION, allowed: false, reasons: ['no'] }

const entry = (changes: object) => ({ ...RECORDED, audit: { ...ENTRY, ...changes } })
const decision = (changes: object) => {
  const other = { ...DECISION, ...changes }
  const audit = { ...ENTRY, details: { ...DETAILS, decision: other } }
  return { ...RECORDED, decision: other, audit }
}

const noDecisions: [string, unknown][] = [
  ['a text where allowed should be', { ...RECORDED, allowed: 'true' }],
  ['a decision that allows it and an answer that does not', { ...RECORDED, allowed: false }],
  ['a decision whose allowed is a text', decision({ allowed: 'true' })],
  ['a decision that denies it', decision({ allowed: false, reasons: ['no'] })],
  ['a decision that allows it for reasons that deny', decision({ reasons: ['no'] })],
  ['reasons that are no texts', decision({ allowed: false, reasons: [1] })],
  ['no policy', decision({ policy: undefined })],
  ['a decision about another payload', decision({ input_digest: `sha256:${'0'.repeat(64)}` })],
  ['no decision', { ...RECORDED, decision: undefined }],
  ['neither decision nor entry', { allowed: true }],
  ['an entry of the other decision', entry({ decision: false })],
  ['an entry that records a deny', entry({ details: { ...DETAILS, decision: DENIED } })],
  ['an entry with other details', entry({ details: {} })],
  ['an entry whose details are erased', entry({ details: null })],
  ['an entry about another subject', entry({ subject: 'y' })],
  ['an entry that anybody may write', entry({ event_type: 'model.gated' })],
  ['an entry that keeps something else', entry({ details: { ...DETAILS, record: 'full' } })],
  ['an entry without a hash', entry({ entry_hash: 'abc' })],
  ['an entry without a position', entry({ id: '7' })],
  ['an entry without the proof that was asked for', entry({ proof: undefined })],
  ['the proof of another entry', entry({ proof: { ...PROOF, index: 7 } })],
  ['a proof without a checkpoint', entry({ proof: { ...PROOF, checkpoint: null } })],
  ['no entry', { ...RECORDED, audit: null }],
  ['a list', [true]],
  ['more than 16 MiB', { ...RECORDED, padding: 'x'.repeat(17 * 1024 * 1024) }],
]
const answers: [string, Answer][] = [
  ...noDecisions.map(([what, body]): [string, Answer] => [what, json(200, body)]),
  ['a page', (response) => response.end('<html>')],
]
for (const [what, answer] of answers) {
  test(`an answer with ${what} allows nothing`, async (t) => {
    const { code, outputs, requests, receipt, ...step } = await scripted(t, [answer, recorded])
    assert.deepEqual([code, requests.length, receipt], [1, 1, ''])
    assert.deepEqual([outputs.allowed, outputs['entry-id']], ['false', ''])
    assert.match(step.commands.at(-1)?.message ?? '', /is not the recorded decision/)
  })
}

test('the same answer without a fault allows', async (t) => {
  const { code, outputs, receipt } = await scripted(t, [recorded])
  assert.deepEqual([code, outputs.allowed, outputs.replayed], [0, 'true', 'false'])
  assert.equal(outputs.checkpoint, PROOF.checkpoint)
  assert.deepEqual(JSON.parse(receipt), RECORDED)
})

test('a decision that is on record allows also where its proof cannot be given, with a warning', async (t) => {
  const unproven = { proof: null, proof_error: { code: 'signer_refused', detail: '::stop' } }
  const { code, outputs, commands, summary } = await scripted(t, [json(200, entry(unproven))])
  assert.deepEqual([code, outputs.allowed, outputs.checkpoint], [0, 'true', ''])
  assert.deepEqual(
    commands.map(({ name }) => name),
    ['add-mask', 'warning'],
  )
  assert.match(commands[1]?.message ?? '', /its proof was not given: signer_refused \(::stop\)/)
  assert.match(summary, /signer&#95;refused/)
})

test('what is kept in full must be the payload that was asked about', async (t) => {
  const full = (payload: object) => entry({ details: { ...DETAILS, record: 'full', payload } })
  const ofThis = await scripted(t, [json(200, full({}))], { record: 'full' })
  assert.deepEqual([ofThis.code, ofThis.outputs.allowed], [0, 'true'])
  const ofAnother = await scripted(t, [json(200, full({ a: 1 }))], { record: 'full' })
  assert.deepEqual([ofAnother.code, ofAnother.outputs.allowed], [1, 'false'])
})

test('a payload has the canonical form and the digest that the vectors give', async () => {
  const { canonicalJson, inputDigest } = (await import(
    pathToFileURL(join(actionFolder, 'digest.js')).href
  )) as { canonicalJson(value: unknown): string; inputDigest(payload: unknown): string }
  const vectors = (name: string) =>
    JSON.parse(readFileSync(join(actionFolder, '../../docs/vectors', name), 'utf8'))
  const texts = vectors('json.json').canonical as { text: string; canonical: string }[]
  assert.ok(texts.length > 5)
  for (const { text, canonical } of texts) {
    assert.equal(canonicalJson(JSON.parse(text)), canonical, text)
  }
  for (const { payload, input_digest } of vectors('digests.json').inputs) {
    assert.equal(inputDigest(payload), input_digest)
  }
})
