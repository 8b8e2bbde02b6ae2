// The action against a gate that fails, and what it may send again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, json, problem, RECORDED, recorded, scripted } from './action-server.ts'

const CUT: Answer = (response) => response.destroy()
const HALF: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"allowed":', () => response.destroy())
}
const MOVED: Answer = (response) => response.writeHead(307, { location: '/api/v1/gate' }).end()
const NEVER: Answer = () => {}
const later = { 'retry-after': '60' }
const busy = json(503, { code: 'overloaded' }, { 'retry-after': '0' })

const outages: [string, Answer][] = [
  ['502', problem(502, 'upstream_invalid')],
  ['504', problem(504, 'upstream_timeout')],
  ['503 outcome_unknown', problem(503, 'outcome_unknown')],
  ['503 not_recorded', problem(503, 'not_recorded')],
  ['503 from a proxy, without a code', json(503, {})],
  ['429', problem(429, 'rate_limited')],
  ['a cut connection', CUT],
  ['half an answer', HALF],
]
for (const [what, answer] of outages) {
  test(`after ${what} the same is sent again under the same key`, async (t) => {
    const { code, outputs, requests } = await scripted(t, [answer, busy, recorded])
    assert.equal(code, 0)
    assert.deepEqual([outputs.allowed, outputs['entry-id']], ['true', '7'])
    assert.equal(requests.length, 3)
    for (const name of ['idempotency-key', 'x-request-id', 'authorization']) {
      assert.ok(requests[0]?.headers[name])
      assert.equal(new Set(requests.map(({ headers }) => headers[name])).size, 1, name)
    }
    assert.equal(new Set(requests.map(({ body }) => body)).size, 1)
  })
}

const inDoubt: [string, readonly Answer[], string][] = [
  ['an answer 500', [problem(500, 'internal_error')], '30'],
  ['silence', [NEVER], '2'],
  ['a redirect, which is not followed', [MOVED], '30'],
  ['a cut connection, and then too many requests', [CUT, json(429, { code: 'r' }, later)], '30'],
]
for (const [what, answers, seconds] of inDoubt) {
  test(`${what} leaves in doubt what is recorded: the job fails, and says so`, async (t) => {
    const { code, outputs, requests, receipt, ...step } = await scripted(
      t,
      [...answers, recorded],
      { 'timeout-seconds': seconds },
    )
    assert.equal(code, 1)
    assert.equal(requests.length, answers.length)
    assert.deepEqual([outputs.allowed, outputs['entry-id'], receipt], ['false', '', ''])
    assert.match(step.commands.at(-1)?.message ?? '', /is not known, .*Run the job again/)
    assert.match(step.summary, /^### Governance gate: no decision\n/)
  })
}

const refusals: [string, Answer, RegExp][] = [
  ['an unknown token', problem(401, 'unauthorized'), /input token does not count there/],
  ['a missing scope', problem(403, 'insufficient_scope'), /needs the scope policy:evaluate\./],
  ['a log that signs nothing', problem(503, 'signing_key_missing'), /input proof set to false/],
  ['a payload that is not taken', problem(400, 'invalid_request'), /answered 400 invalid_request/],
  ['a server that wants more time than there is', json(503, { code: 'overloaded' }, later), /503/],
]
for (const [what, answer, sentence] of refusals) {
  test(`${what} fails the job at once, and nothing is recorded`, async (t) => {
    const { code, outputs, requests, commands } = await scripted(t, [answer, recorded])
    assert.deepEqual([code, outputs.allowed, requests.length], [1, 'false', 1])
    assert.match(commands.at(-1)?.message ?? '', sentence)
    assert.match(
      commands.at(-1)?.message ?? '',
      /Nothing is recorded, and so nothing is allowed\.$/,
    )
  })
}

test('one call carries what is asked, the token, a key and the id of the request', async (t) => {
  const inputs = { record: 'full', proof: 'false', payload: ' {"a":1} ' }
  const { requests, outputs } = await scripted(t, [problem(400)], inputs)
  assert.equal(requests.length, 1)
  const [{ path, headers, body } = assert.fail()] = requests
  assert.equal(path, '/api/v1/gate')
  assert.deepEqual(JSON.parse(body), { payload: { a: 1 }, subject: 'x', record: 'full' })
  assert.equal(headers.authorization, 'Bearer TOKEN')
  assert.equal(headers['x-request-id'], outputs['request-id'])
  assert.match(outputs['request-id'] ?? '', /^gate-[0-9]+-2-[0-9a-f]{16}$/)
  assert.match(String(headers['idempotency-key']), /^gate-[0-9]+-[0-9a-f]{64}$/)
})

test('an answer that was recorded before is the answer, and told', async (t) => {
  const again = json(200, RECORDED, { 'idempotency-replayed': 'true' })
  const { code, outputs, stdout, summary } = await scripted(t, [again])
  assert.deepEqual([code, outputs.allowed, outputs.replayed], [0, 'true', 'true'])
  assert.match(stdout, /log entry 7, as recorded before\.$/m)
  assert.match(summary, /before this request/)
})
