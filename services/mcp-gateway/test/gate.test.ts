import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePort } from '@ai-governance/infra/local/ports'
import {
  type Behaviours,
  ENTRY_HASH,
  entryOf,
  problem,
  sendJson,
  startGate,
  verdictOf,
} from './gate-services.ts'
import { assertRefused, postBytes, sendRaw, startGateway } from './harness.ts'

const QUESTION = { payload: { model_id: 'm', risk: 1 }, subject: 'm@1' }
const KEY = ['Idempotency-Key: k-1']
const eventOf = (call: { body: Buffer } | undefined) => JSON.parse(call?.body.toString() ?? '')

describe('POST /api/v1/gate', () => {
  test('decides, records and answers with both', async (t) => {
    const { gate, audit, policy } = await startGate(t)
    const answer = await gate(QUESTION, { headers: ['X-Request-ID: gate-1'] })
    assert.equal(answer.status, 200)
    const decision = verdictOf(QUESTION.payload)
    const details = { record: 'digest', decision, artifacts: [] }
    const event = { event_type: 'gate.decided', subject: 'm@1', decision: true, details }
    assert.deepEqual(JSON.parse(answer.body), { allowed: true, decision, audit: entryOf(event) })
    assert.deepEqual(eventOf(audit.received[0]), event)
    assert.deepEqual(eventOf(policy.received[0]), { payload: QUESTION.payload })
    for (const { received } of [policy, audit]) {
      assert.equal(received[0]?.headers['x-request-id'], 'gate-1')
    }
  })

  test('answers a denial the same way, with 200', async (t) => {
    const { gate } = await startGate(t, {
      validate: (_call, response) => sendJson(response, 200, verdictOf(QUESTION.payload, false)),
    })
    const { allowed, audit } = JSON.parse((await gate(QUESTION)).body)
    assert.deepEqual([allowed, audit.decision], [false, false])
  })

  test('records the payload where it is asked to, and the digests of artifacts always', async (t) => {
    const { gate, audit } = await startGate(t)
    const sha = `sha256:${'c0'.repeat(32)}`
    const payload = { artifacts: [sha, 'weights.bin', 7], big: 1e20, '10': 1, '9': 2 }
    for (const record of ['full', 'digest']) {
      const text = JSON.stringify({ ...QUESTION, payload, record })
      assert.equal((await gate(text.replace('100000000000000000000', '1e20'))).status, 200)
    }
    const [full, digest] = audit.received.map((call) => eventOf(call).details)
    assert.deepEqual([full.record, full.payload, full.artifacts], ['full', payload, [sha]])
    assert.deepEqual(Object.keys(digest), ['record', 'decision', 'artifacts'])
    assert.deepEqual(digest.artifacts, [sha])
    // As an integer of 21 digits strict JSON would refuse it.
    assert.match(audit.received[0]?.body.toString() ?? '', /"big":1e\+20/)
  })

  test('hands the text of the entry on as it came', async (t) => {
    const entry = entryOf({
      ...{ event_type: 'gate.decided', subject: 'm@1', decision: true },
      details: { decision: verdictOf({}) },
    })
    const text = JSON.stringify(entry, null, 1)
    const { gate } = await startGate(t, { log: (_call, response) => response.end(text) })
    assert.ok((await gate({ ...QUESTION, payload: {} })).body.endsWith(`,"audit":${text}}`))
  })

  test('asks for the proof of the entry where the caller does', async (t) => {
    const { gate, audit } = await startGate(t)
    await gate(QUESTION, { query: '?proof=true' })
    await gate(QUESTION, { query: '?proof=false' })
    assert.deepEqual(
      audit.received.map(({ target }) => target),
      ['/log?proof=true', '/log'],
    )
  })

  for (const [what, body] of Object.entries({
    'no subject': { payload: {} },
    'an empty subject': { payload: {}, subject: '' },
    'a subject of 501 characters': { payload: {}, subject: 'x'.repeat(501) },
    'a payload that is no object': { payload: [], subject: 's' },
    'another record': { ...QUESTION, record: 'none' },
    'an unknown member': { ...QUESTION, actor: 'me' },
  })) {
    test(`with ${what} is 400, and nobody is asked`, async (t) => {
      const { gate, asked } = await startGate(t)
      assertRefused(await gate(body), 400, 'invalid_request')
      assert.deepEqual(asked(), [])
    })
  }

  test('passes on what mcp-policy has against the payload', async (t) => {
    const { gate, audit } = await startGate(t, {
      validate: (_call, response) => sendJson(response, 400, problem(400, 'invalid_request')),
    })
    assertRefused(await gate(QUESTION), 400, 'invalid_request')
    assert.equal(audit.received.length, 0)
  })
})

describe('a decision that cannot be recorded is none', () => {
  const validate: Record<string, Behaviours['validate']> = {
    'answers 500': (_call, response) => sendJson(response, 500, problem(500, 'internal_error')),
    'is overloaded': (_call, response) => sendJson(response, 503, problem(503, 'overloaded')),
    'does not know the gateway': (_call, response) =>
      sendJson(response, 401, problem(401, 'unauthorized')),
    'answers no JSON': (_call, response) => response.end('allowed'),
    'hangs up': (_call, response) => response.destroy(),
    'says nothing': () => {},
    'decides about something else': (_call, response) =>
      sendJson(response, 200, verdictOf({ other: 'payload' })),
    'allows by a text': (_call, response) =>
      sendJson(response, 200, { ...verdictOf(QUESTION.payload), allowed: 'true' }),
  }
  for (const [what, behaviour] of Object.entries(validate)) {
    test(`mcp-policy ${what}: 503 not_recorded, and nothing is appended`, async (t) => {
      const { gate, audit } = await startGate(
        t,
        { validate: behaviour as never },
        { answerHead: 300 },
      )
      const answer = await gate(QUESTION)
      assertRefused(answer, 503, 'not_recorded')
      assert.ok(Number(answer.headers['retry-after']) > 0)
      assert.equal(audit.received.length, 0)
    })
  }

  const log: [what: string, behaviour: Behaviours['log'], status: number, code: string][] = [
    ...(
      [
        ['has no database', 503, 'database_unavailable', 503, 'not_recorded'],
        ['is overloaded', 503, 'overloaded', 503, 'not_recorded'],
        ['takes no gate.decided', 403, 'event_type_reserved', 503, 'not_recorded'],
        ['does not know the gateway', 401, 'unauthorized', 503, 'not_recorded'],
        ['has no key for a proof', 503, 'signing_key_missing', 503, 'signing_key_missing'],
        ['takes no such entry', 413, 'body_too_large', 413, 'body_too_large'],
        ['knows the key otherwise', 409, 'idempotency_conflict', 409, 'idempotency_conflict'],
        ['does not know whether it did', 503, 'outcome_unknown', 503, 'outcome_unknown'],
        ['answers 500', 500, 'internal_error', 503, 'outcome_unknown'],
        ['answers 504', 504, 'upstream_timeout', 503, 'outcome_unknown'],
      ] as const
    ).map(
      ([what, status, code, expected, expectedCode]) =>
        [
          what,
          (_call: unknown, response: never) => sendJson(response, status, problem(status, code)),
          expected,
          expectedCode,
        ] as [string, Behaviours['log'], number, string],
    ),
    ['hangs up', (_call, response) => response.destroy(), 503, 'outcome_unknown'],
    ['says nothing', () => {}, 503, 'outcome_unknown'],
    [
      'breaks off',
      (_call, response) =>
        response.writeHead(200, { 'content-length': 90 }).write('{"id"', () => response.destroy()),
      503,
      'outcome_unknown',
    ],
    ['answers no entry', (_call, response) => sendJson(response, 200, {}), 503, 'outcome_unknown'],
    [
      'answers with the entry of another subject',
      ({ body }, response) =>
        sendJson(response, 200, { ...entryOf(JSON.parse(body.toString())), subject: 'x' }),
      503,
      'outcome_unknown',
    ],
    [
      'answers with a denial that became an allow',
      ({ body }, response) =>
        sendJson(response, 200, { ...entryOf(JSON.parse(body.toString())), decision: false }),
      503,
      'outcome_unknown',
    ],
    [
      'answers with another type of entry',
      ({ body }, response) =>
        sendJson(response, 200, { ...entryOf(JSON.parse(body.toString())), event_type: 'x' }),
      503,
      'outcome_unknown',
    ],
  ]
  for (const [what, behaviour, status, code] of log) {
    test(`mcp-audit ${what}: ${status} ${code}`, async (t) => {
      const { gate, audit } = await startGate(t, { log: behaviour as never }, { answerHead: 300 })
      const answer = await gate(QUESTION)
      assertRefused(answer, status, code)
      assert.ok(!answer.body.includes('"allowed"'))
      // Without a key it is never sent twice: it may have been carried out.
      assert.equal(audit.received.length, 1)
    })
  }

  test('mcp-audit is not there: 503 not_recorded', async (t) => {
    const { policy } = await startGate(t)
    const down = `http://127.0.0.1:${await freePort()}`
    const gateway = await startGateway(t, { 'mcp-policy': policy.url, 'mcp-audit': down })
    const answer = await sendRaw(
      gateway.port,
      postBytes(gateway.port, '/api/v1/gate', JSON.stringify(QUESTION)),
    )
    assertRefused(answer, 503, 'not_recorded')
  })
})

describe('POST /api/v1/gate under a key', () => {
  const recorded = (decision: object) =>
    entryOf({
      ...{ event_type: 'gate.decided', subject: 'm@1', decision: false },
      details: { record: 'digest', decision, artifacts: [] },
    })
  const denied = verdictOf(QUESTION.payload, false)

  test('asks first what is recorded under it, and then goes on', async (t) => {
    const { gate, asked, audit } = await startGate(t)
    const answer = await gate(QUESTION, { headers: KEY })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['idempotency-replayed'], undefined)
    assert.deepEqual(asked(), ['/validate', '/idempotency/lookup', '/log'])
    assert.deepEqual(eventOf(audit.received[0]), {
      ...{ actor: 'anonymous', operation: 'gate', key: 'k-1' },
      body: { subject: 'm@1', record: 'digest', input_digest: denied.input_digest },
    })
    assert.equal(audit.received[1]?.headers['idempotency-key'], 'k-1')
  })

  test('answers with what is recorded, and judges nothing', async (t) => {
    const { gate, asked } = await startGate(t, {
      lookup: (_call, response) => sendJson(response, 200, recorded(denied)),
    })
    const answer = await gate(QUESTION, { headers: KEY })
    assert.equal(answer.headers['idempotency-replayed'], 'true')
    const { allowed, decision, audit } = JSON.parse(answer.body)
    assert.deepEqual([allowed, decision, audit.id], [false, denied, 7])
    assert.deepEqual(asked(), ['/idempotency/lookup'])
  })

  test('of two at once the second gets what the first recorded', async (t) => {
    const { gate } = await startGate(t, {
      log: (_call, response) =>
        sendJson(response, 200, recorded(denied), { 'idempotency-replayed': 'true' }),
    })
    const answer = await gate(QUESTION, { headers: KEY })
    assert.equal(answer.headers['idempotency-replayed'], 'true')
    const { allowed, decision } = JSON.parse(answer.body)
    assert.deepEqual([allowed, decision], [false, denied])
  })

  test('proves what is recorded, or says why not', async (t) => {
    const lookup: Behaviours['lookup'] = (_call, response) =>
      sendJson(response, 200, recorded(denied))
    const proving = await startGate(t, { lookup })
    const answer = await proving.gate(QUESTION, { headers: KEY, query: '?proof=true' })
    assert.deepEqual(JSON.parse(answer.body).audit.proof, { index: 6, size: 7 })
    assert.equal(proving.audit.received[1]?.target, '/proof/inclusion?id=7')
    const refusing = await startGate(t, {
      lookup,
      proof: (_call, response) => sendJson(response, 503, problem(503, 'signer_refused')),
    })
    const without = await refusing.gate(QUESTION, { headers: KEY, query: '?proof=true' })
    const { proof, proof_error, entry_hash } = JSON.parse(without.body).audit
    assert.deepEqual([proof, proof_error.code, entry_hash], [null, 'signer_refused', ENTRY_HASH])
  })

  test('is sent once more where the connection broke, since it is made once', async (t) => {
    let attempts = 0
    const { gate } = await startGate(t, {
      log: ({ body }, response) => {
        attempts++
        if (attempts === 1) response.destroy()
        else sendJson(response, 200, entryOf(JSON.parse(body.toString())))
      },
    })
    assert.equal((await gate(QUESTION, { headers: KEY })).status, 200)
    assert.equal(attempts, 2)
  })

  for (const [what, behaviour, status, code] of [
    ['for something else', problem(409, 'idempotency_conflict'), 409, 'idempotency_conflict'],
    ['nobody can tell for what', problem(503, 'database_busy'), 503, 'not_recorded'],
    ['where the gateway is not known', problem(403, 'insufficient_scope'), 503, 'not_recorded'],
    ['for details that are erased', { ...recorded(denied), details: null }, 409, 'details_erased'],
  ] as const) {
    test(`that was used ${what} is ${status} ${code}, and nothing is judged`, async (t) => {
      const { gate, asked } = await startGate(t, {
        lookup: (_call, response) =>
          sendJson(response, 'status' in behaviour ? behaviour.status : 200, behaviour),
      })
      const answer = await gate(QUESTION, { headers: KEY })
      assertRefused(answer, status, code)
      // One that was recorded before would count.
      if (code === 'not_recorded') assert.match(JSON.parse(answer.body).detail, /is not known/)
      assert.deepEqual(asked(), ['/idempotency/lookup'])
    })
  }
})
