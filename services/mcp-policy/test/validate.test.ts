import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { canonicalJson } from '@ai-governance/common/formats/canonical-json'
import { EXAMPLE, SHIPPED, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let folder: string
before(async () => {
  service = await startService()
  folder = mkdtempSync(join(tmpdir(), 'mcp-policy-test-'))
})
after(async () => {
  await service.stop()
  rmSync(folder, { recursive: true })
})

const decide = async (payload: unknown) => {
  const answer = await service.validate(payload)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json()
}

test('the example is allowed at risk score 3, with everything that a decision says', async () => {
  const decision = await decide(EXAMPLE)
  assert.deepEqual([decision.allowed, decision.risk_score, decision.reasons], [true, 3, []])
  assert.equal(decision.within_sla, true)
  assert.match(decision.decision_id, /^[0-9a-f-]{36}$/)
  assert.match(decision.evaluated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.match(decision.policy.digest, /^sha256:[0-9a-f]{64}$/)
  const digest = createHash('sha256').update(canonicalJson(EXAMPLE)).digest('hex')
  assert.equal(decision.input_digest, `sha256:${digest}`)
  assert.equal(decision.aibom.status, 'absent')
  for (const { rule, outcome, at, law, because } of decision.explanation) {
    assert.equal(typeof rule, 'string')
    assert.match(outcome, /^(kept|broken|not_established|not_applicable|waived)$/)
    assert.match(at, /^[a-z-]+\.yml:\d+$/)
    assert.ok(Array.isArray(law) && Array.isArray(because))
  }
})

test('both addresses give the same decision', async () => {
  const one = await service.validate(EXAMPLE)
  const other = await service.validate(EXAMPLE, '/api/v1/policies/validate')
  const same = (answer: typeof one) => {
    const { decision_id, evaluated_at, elapsed_ms, ...rest } = answer.json()
    return rest
  }
  assert.deepEqual(same(one), same(other))
})

test('leaving the risk factors out is denied at score 45, and each is named', async () => {
  const { risk, ...rest } = EXAMPLE
  const decision = await decide(rest)
  assert.deepEqual([decision.allowed, decision.risk_score], [false, 45])
  for (const factor of Object.keys(risk))
    assert.ok(decision.reasons.join().includes(factor), factor)
})

test('leaving one factor out never lowers the score, and the factor is named', async () => {
  for (const factor of Object.keys(EXAMPLE.risk)) {
    const risk = { ...EXAMPLE.risk, [factor]: undefined }
    const decision = await decide({ ...EXAMPLE, risk })
    assert.ok(decision.risk_score > 3, factor)
    assert.ok(JSON.stringify(decision.explanation).includes(factor), factor)
    assert.ok([...decision.reasons, ...decision.warnings].join().includes(factor), factor)
  }
})

test('null, a text, a flag and a list are no numbers', async () => {
  for (const value of [null, '1', true, [1], { n: 1 }, -1, 6]) {
    for (const factor of Object.keys(EXAMPLE.risk)) {
      const decision = await decide({ ...EXAMPLE, risk: { ...EXAMPLE.risk, [factor]: value } })
      const left = await decide({ ...EXAMPLE, risk: { ...EXAMPLE.risk, [factor]: undefined } })
      assert.equal(decision.risk_score, left.risk_score, `${factor}: ${JSON.stringify(value)}`)
    }
  }
})

test('risk that is no object counts as left out', async () => {
  for (const risk of [null, 3, 'low', [1, 1, 1, 3]]) {
    assert.equal((await decide({ ...EXAMPLE, risk })).risk_score, 45)
  }
})

test('members that JavaScript objects inherit are not fields', async () => {
  const decision = await decide({
    model_class: 'vision',
    use_case: { toString: 'general' },
    risk: EXAMPLE.risk,
  })
  assert.equal(decision.allowed, false)
})

for (const [what, body] of Object.entries({
  'no payload': '{}',
  'a payload that is a list': '{"payload":[]}',
  'a payload that is null': '{"payload":null}',
  'an unknown member beside the payload': '{"payload":{},"now":"2020-01-01"}',
  'a duplicate name': '{"payload":{"use_case":"general","use_case":"hr-screening"}}',
  __proto__: '{"payload":{"__proto__":{"use_case":"general"}}}',
  'an overflowing number': '{"payload":{"risk":{"data_sensitivity":1e999}}}',
})) {
  test(`${what} is 400`, async () => {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/validate',
      headers: { 'content-type': 'application/json' },
      payload: body,
    })
    assert.equal(answer.statusCode, 400)
  })
}

test('the schema of policy files that editors get is the one beside them', async () => {
  const answer = await service.app.inject({ url: '/schema/policy.v1.json' })
  assert.equal(answer.statusCode, 200)
  const file = readFileSync(join(SHIPPED, 'policy.v1.schema.json'), 'utf8')
  assert.deepEqual(answer.json(), JSON.parse(file))
})

test('an answer says what each risk factor adds to the score', async () => {
  const { risk_parts, risk_score } = await decide({
    ...EXAMPLE,
    risk: { ...EXAMPLE.risk, data_sensitivity: 'high' },
  })
  const [first] = risk_parts
  assert.deepEqual(first, {
    factor: 'data_sensitivity',
    field: 'risk.data_sensitivity',
    value: null,
    weight: 3,
    points: 5,
    worst: true,
  })
  const sum = risk_parts.reduce(
    (total: number, part: { weight: number; points: number }) => total + part.weight * part.points,
    0,
  )
  assert.equal(sum, risk_score)
})

test('GET /policies names what is in force', async () => {
  const active = (await service.app.inject({ url: '/policies' })).json()
  assert.equal(active.digest, (await decide(EXAMPLE)).policy.digest)
  assert.equal(active.stale, null)
  assert.deepEqual(active.layers, [
    { policy: 'model-release', version: active.version, file: 'model-policy.yml' },
  ])
})

test('a signed bill is verified by the configured key; an invalid one denies; a required one is missed', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const path = join(folder, 'aibom_public_key.pem')
  writeFileSync(path, publicKey.export({ format: 'pem', type: 'spki' }))
  const strict = await startService({ AIBOM_PUBLIC_KEY_PATH: path, AIBOM_REQUIRED: 'true' })
  try {
    const data = { model_id: 'fraud', version: '1' }
    const signature = sign(null, Buffer.from(canonicalJson(data)), privateKey).toString('hex')
    const aibom = { data, signature }
    const good = (await strict.validate({ ...EXAMPLE, ...data, aibom })).json()
    assert.deepEqual([good.allowed, good.aibom.status, good.aibom.bound], [true, 'verified', true])
    const unnamed = (await strict.validate({ ...EXAMPLE, aibom })).json()
    assert.deepEqual([unnamed.allowed, unnamed.aibom.reason], [false, 'model_not_named'])
    const missing = (await strict.validate(EXAMPLE)).json()
    assert.deepEqual([missing.allowed, missing.aibom.status], [false, 'absent'])
    const bad = { data: { ...data, version: '2' }, signature }
    const invalid = (await strict.validate({ ...EXAMPLE, aibom: bad })).json()
    assert.deepEqual([invalid.allowed, invalid.aibom.status], [false, 'invalid'])
  } finally {
    await strict.stop()
  }
})

test('an invalid bill denies also where none is required', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const path = join(folder, 'other.pem')
  writeFileSync(path, publicKey.export({ format: 'pem', type: 'spki' }))
  const lax = await startService({ AIBOM_PUBLIC_KEY_PATH: path })
  try {
    const aibom = { data: { a: 1 }, signature: '00'.repeat(64) }
    const decision = (await lax.validate({ ...EXAMPLE, aibom })).json()
    assert.deepEqual([decision.allowed, decision.aibom.status], [false, 'invalid'])
  } finally {
    await lax.stop()
  }
})
