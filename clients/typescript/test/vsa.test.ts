import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gateAnswerOf } from '../src/gate-expected.ts'
import { NoteError, verifyVsa } from '../src/index.ts'
import { readVectors } from './vectors.ts'

const vectors = readVectors<{
  key: string
  statement: string
  cases: { name: string; envelope: unknown; verified: boolean }[]
}>('vsa.json')

describe('verifyVsa', () => {
  for (const { name, envelope, verified } of vectors.cases) {
    test(`${verified ? 'verifies' : 'refuses'} an envelope ${name}`, () => {
      assert.equal(verifyVsa(envelope, vectors.key) !== null, verified)
    })
  }

  test('gives what was signed', () => {
    const summary = verifyVsa(vectors.cases[0]?.envelope, vectors.key)
    assert.deepEqual(summary, JSON.parse(vectors.statement))
  })

  test('takes an envelope of any size', () => {
    const payload = Buffer.alloc(400_000, 'x').toString('base64')
    const envelope = { ...(vectors.cases[0]?.envelope as object), payload }
    assert.equal(verifyVsa(envelope, vectors.key), null)
  })

  test('tells that a key cannot be read', () => {
    assert.throws(() => verifyVsa(vectors.cases[0]?.envelope, 'no key'), NoteError)
  })
})

describe('an answer of the gate', () => {
  const question = { payload: { a: 1 }, subject: 's' }
  const input_digest = 'sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862'
  const decision = { allowed: true, reasons: [], input_digest }
  const details = { record: 'digest', decision, artifacts: [] }
  const audit = {
    ...{ id: 7, entry_hash: 'ab'.repeat(32), event_type: 'gate.decided' },
    ...{ subject: 's', decision: true, details },
  }
  const answer = { allowed: true, decision, audit }
  const { fits } = gateAnswerOf(question, { proof: false, key: null })

  test('fits if decision and entry say the same of what was asked', () => {
    assert.ok(fits(answer))
  })

  const denied = { ...decision, allowed: false, reasons: ['no'] }
  for (const [what, other] of Object.entries({
    'allows what it denies': { ...answer, decision: denied, audit: { ...audit, decision: false } },
    'records a denial': { ...answer, audit: { ...audit, decision: false } },
    'records another decision': {
      ...answer,
      audit: { ...audit, details: { ...details, decision: denied } },
    },
    'allows by a text': { ...answer, allowed: 'true' },
    'gives reasons against it': { ...answer, decision: { ...decision, reasons: ['no'] } },
    'is about another payload': {
      ...answer,
      decision: { ...decision, input_digest: `sha256:${'0'.repeat(64)}` },
    },
    'is about another subject': { ...answer, audit: { ...audit, subject: 'x' } },
    'is recorded as something else': { ...answer, audit: { ...audit, event_type: 'x' } },
    'has no entry': { ...answer, audit: { ...audit, id: 0 } },
    'has an entry without details': { ...answer, audit: { ...audit, details: null } },
    'was recorded otherwise': {
      ...answer,
      audit: { ...audit, details: { ...details, record: 'full' } },
    },
    'is none': {},
  })) {
    test(`does not if it ${what}`, () => assert.ok(!fits(other)))
  }
})
