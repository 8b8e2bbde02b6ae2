import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '../src/client.ts'
import { failure } from './failure.ts'
import { made, problem, serve } from './server.ts'

const EVENT = { event_type: 'e', subject: 's', decision: true }

/** Answers after which nobody knows whether a change was made; `passes` where the fault can pass. */
const OPEN: [what: string, passes: boolean, answer: Parameters<typeof serve>[1]][] = [
  [
    'answered outcome_unknown',
    true,
    (r) => problem(r, 503, 'outcome_unknown', { 'retry-after': '0' }),
  ],
  ['answered 502', true, (r) => problem(r, 502, 'upstream_invalid')],
  ['answered 504', true, (r) => problem(r, 504, 'upstream_timeout')],
  ['answered 500', false, (r) => problem(r, 500, 'internal_error')],
  ['answered 503 by something else than the gateway', true, (r) => r.writeHead(503).end('busy')],
  ['answered with something else than JSON', false, (r) => r.writeHead(200).end('<html>')],
  ['answered with a redirect', false, (r) => r.writeHead(307, { location: '/elsewhere' }).end()],
  ['not answered', true, (r) => r.socket?.destroy()],
  [
    'answered by half',
    true,
    (r) => r.writeHead(200, { 'content-length': '99' }).write('{', () => r.socket?.destroy()),
  ],
]

for (const [what, passes, answer] of OPEN) {
  test(`a change without a key that is ${what} is never sent twice, and may have been made`, async (t) => {
    const { url, received } = await serve(t, answer)
    const grounds = { reason: 'r', legal_basis: 'l' }
    const error = await failure(createClient({ baseUrl: url }).audit.erase(7, grounds))
    assert.equal(received.length, 1)
    assert.deepEqual([error.outcomeUnknown, error.idempotencyKey], [true, undefined], error.message)
    assert.ok(error.requestId)
  })

  test(`a change with a key that is ${what} ${passes ? 'is sent again under it' : 'may have been made'}`, async (t) => {
    const { url, received } = await serve(t, (response, request, number) => {
      if (number === 0) answer(response, request, number)
      else made(response, request)
    })
    const call = createClient({ baseUrl: url }).audit.log(EVENT)
    if (passes) assert.equal((await call).id, 7)
    else assert.equal((await failure(call)).outcomeUnknown, true)
    assert.equal(received.length, passes ? 2 : 1)
    const keys = new Set(received.map(({ headers }) => headers['idempotency-key']))
    assert.equal(keys.size, 1)
    assert.match([...keys][0] as string, /^[0-9a-f]{32}$/)
  })
}

test('each call has a key of its own, and one that is given is the one that is sent', async (t) => {
  const { url, received } = await serve(t, (response, request) => made(response, request))
  const client = createClient({ baseUrl: url })
  await client.audit.log(EVENT)
  await client.audit.log(EVENT)
  await client.lineage.register({ model_id: 'm', version: '1', created_by: 'c' })
  await client.audit.log(EVENT, { idempotencyKey: 'mine' })
  const keys = received.map(({ headers }) => headers['idempotency-key'])
  assert.equal(new Set(keys).size, 4)
  assert.equal(keys[3], 'mine')
  for (const idempotencyKey of ['', 'a b', 'é', 'x'.repeat(201)]) {
    const error = await failure(client.audit.log(EVENT, { idempotencyKey }))
    assert.equal(error.code, 'invalid_argument')
  }
  assert.equal(received.length, 4)
})

test('an attempt that may have been carried out is not forgotten for those after it', async (t) => {
  const { url, received } = await serve(t, (response, _request, number) => {
    if (number === 0) response.socket?.destroy()
    else problem(response, number === 1 ? 503 : 401, number === 1 ? 'overloaded' : 'unauthorized')
  })
  const call = createClient({ baseUrl: url }).audit.log(EVENT, { idempotencyKey: 'k' })
  const error = await failure(call)
  assert.deepEqual([error.code, error.status, received.length], ['unauthorized', 401, 3])
  assert.deepEqual([error.outcomeUnknown, error.idempotencyKey], [true, 'k'])
})

for (const code of ['signing_key_missing', 'signer_state_missing', 'signer_refused']) {
  test(`a call answered ${code} is not sent again: only a person can mend that`, async (t) => {
    const { url, received } = await serve(t, (response) => problem(response, 503, code))
    const { audit } = createClient({ baseUrl: url })
    for (const call of [() => audit.checkpoint(), () => audit.log(EVENT, { proof: true })]) {
      assert.equal((await failure(call())).code, code)
    }
    assert.equal(received.length, 2)
  })
}
