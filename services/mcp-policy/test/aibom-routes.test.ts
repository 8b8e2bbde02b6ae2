import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { makeAibomKey } from '../src/aibom-keys.ts'
import type { Decision } from '../src/answers.ts'
import { EXAMPLE, startService } from './service.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const { id: keyId } = makeAibomKey(publicKey)
const folder = mkdtempSync(join(tmpdir(), 'aibom-routes-'))
let service: Awaited<ReturnType<typeof startService>>
before(async () => {
  const path = join(folder, 'key.pem')
  writeFileSync(path, publicKey.export({ format: 'pem', type: 'spki' }))
  service = await startService({ AIBOM_PUBLIC_KEY_PATH: path, AIBOM_REQUIRED: 'true' })
})
after(async () => {
  await service.stop()
  rmSync(folder, { recursive: true, force: true })
})

function signBom(name: string, accuracy: string): JsonObject {
  const signature = { algorithm: 'Ed25519' }
  const metric = { type: 'accuracy', value: accuracy }
  const modelCard = { quantitativeAnalysis: { performanceMetrics: [metric] } }
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [{ type: 'machine-learning-model', name, version: '1', modelCard }],
    signature,
  }
  const value = sign(null, Buffer.from(canonicalJson(bom)), privateKey).toString('base64url')
  return { ...bom, signature: { ...signature, value } }
}

const ours = signBom('fraud', '0.93')
/** In order but for its accuracy, which counts from a bill alone. */
const HIGH_RISK = {
  ...EXAMPLE,
  use_case: 'hr-screening',
  oversight: { human: 'in-the-loop', owner: 'the risk office' },
  model_id: 'fraud',
  version: '1',
}
const validate = async (payload: object): Promise<Decision> =>
  (await service.validate(payload)).json()
function accuracyRule({ explanation }: Decision) {
  const found = explanation.find(({ rule }) => rule === 'high-risk-accuracy')
  assert.ok(found)
  return found
}
async function verify(body: unknown) {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/aibom/verify',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })
  return { status: answer.statusCode, body: answer.json() }
}

test('a verified bill of another model neither meets the requirement nor gives its fields', async () => {
  const stolen = await validate({ ...HIGH_RISK, aibom: signBom('other', '0.99') })
  assert.equal(stolen.allowed, false)
  assert.deepEqual(
    [stolen.aibom.status, stolen.aibom.bound, stolen.aibom.reason],
    ['verified', false, 'model_mismatch'],
  )
  assert.match(stolen.reasons[0] ?? '', /of this model is required: the bill is of another model/)
  const { outcome, because } = accuracyRule(stolen)
  assert.deepEqual([outcome, because[0]?.why], ['not_established', 'unverified'])
})

test('the bill of the model that the payload names is met, bound and read', async () => {
  const good = await validate({ ...HIGH_RISK, aibom: ours })
  assert.deepEqual([good.allowed, good.reasons], [true, []])
  assert.equal(accuracyRule(good).outcome, 'kept')
  assert.deepEqual(
    [good.aibom.status, good.aibom.format, good.aibom.bound, good.aibom.reason],
    ['verified', 'cyclonedx-jsf', true, null],
  )
  const low = accuracyRule(await validate({ ...HIGH_RISK, aibom: signBom('fraud', '0.5') }))
  assert.deepEqual([low.outcome, low.because[0]?.actual], ['broken', 0.5])
})

test('naming no model, or none at all, leaves nothing of a verified bill', async () => {
  const { model_id: _, ...nameless } = HIGH_RISK
  const answer = await validate({ ...nameless, aibom: ours })
  assert.deepEqual([answer.allowed, answer.aibom.reason], [false, 'model_not_named'])
  const none = await validate(HIGH_RISK)
  assert.deepEqual(none.aibom, {
    status: 'absent',
    format: null,
    key_id: null,
    canonical_sha256: null,
    reason: null,
    bound: false,
  })
})

test('POST /aibom/verify gives the result alone, and what it binds to where a model is named', async () => {
  const alone = await verify({ aibom: ours })
  assert.equal(alone.status, 200)
  const { canonical_sha256, ...rest } = alone.body
  assert.match(canonical_sha256, /^[0-9a-f]{64}$/)
  const verified = { status: 'verified', format: 'cyclonedx-jsf', key_id: keyId, reason: null }
  assert.deepEqual(rest, verified)
  const named = { aibom: ours, model_id: 'fraud', version: '1' }
  assert.deepEqual((await verify(named)).body, { ...alone.body, bound: true })
  assert.deepEqual((await verify({ ...named, version: '2' })).body, {
    ...alone.body,
    bound: false,
    reason: 'version_mismatch',
  })
  assert.equal((await verify({ aibom: ours, model_id: 'fraud' })).body.reason, 'model_not_named')
  const changed = { ...ours, specVersion: '1.7' }
  assert.equal((await verify({ aibom: changed })).body.reason, 'signature_mismatch')
  assert.equal((await verify({ aibom: null })).body.status, 'absent')
  assert.equal((await verify({ aibom: 'text' })).body.reason, 'not_an_object')
})

test('POST /aibom/verify refuses what it does not know', async () => {
  for (const body of [
    {},
    { payload: {} },
    { aibom: ours, more: 1 },
    { aibom: ours, model_id: '' },
    { aibom: ours, artifacts: 'sha256:ab' },
  ]) {
    const { status, body: problem } = await verify(body)
    assert.equal(status, 400, JSON.stringify(body).slice(0, 60))
    assert.equal(problem.code, 'invalid_request')
  }
})

test('a bill of several MiB is taken, up to the limit of the route', async () => {
  const filler = Array.from({ length: 4 }, () => 'x'.repeat(1_000_000))
  assert.equal((await verify({ aibom: { ...ours, filler } })).body.reason, 'signature_mismatch')
  assert.equal(
    (await verify({ aibom: { ...ours, filler: [...filler, ...filler, ...filler] } })).status,
    413,
  )
})
