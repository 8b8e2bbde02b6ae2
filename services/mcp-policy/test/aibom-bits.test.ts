import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
} from '@ai-governance/common/formats/canonical-json'
import { parseStrictJson, StrictJsonError } from '@ai-governance/common/formats/strict-json'
import { judgeAibom } from '../src/aibom.ts'
import { makeAibomKey } from '../src/aibom-keys.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const key = makeAibomKey(publicKey)
const signText = (value: JsonValue) => sign(null, Buffer.from(canonicalJson(value)), privateKey)

function signedBom(): JsonObject {
  const signature = {
    algorithm: 'Ed25519',
    keyId: key.id,
    publicKey: { kty: 'OKP', crv: 'Ed25519', x: key.bytes.toString('base64url') },
  }
  const metric = { type: 'accuracy', value: '0.91' }
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    components: [
      {
        type: 'machine-learning-model',
        name: 'fraud é',
        version: '1',
        modelCard: { quantitativeAnalysis: { performanceMetrics: [metric] } },
      },
    ],
    signature,
  }
  const value = signText(bom).toString('base64url')
  return { ...bom, signature: { ...signature, value } }
}

const detached = { data: { model_id: 'fraud', version: '1', metrics: { accuracy: 0.91 } } }

for (const [name, aibom] of Object.entries({
  'cyclonedx-jsf': signedBom(),
  'detached-jcs': {
    ...detached,
    signature: signText(detached.data).toString('hex'),
    key_id: key.id,
  },
})) {
  test(`every single-bit change to the canonical text of a signed bill is refused: ${name}`, () => {
    const bytes = Buffer.from(canonicalJson(aibom))
    assert.equal(judgeAibom(parseStrictJson(bytes), [key]).status, 'verified')
    const refusals = new Map<string, number>()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      const refusal = refusalOf(changed)
      assert.notEqual(refusal, 'verified', `bit ${bit}: ${changed}`)
      refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1)
    }
    // Each way to be refused was taken, so that not one of them hides the others.
    for (const way of ['not_json', 'signature_mismatch', 'malformed_signature', 'unknown_key_id'])
      assert.ok(refusals.has(way), way)
  })
}

function refusalOf(bytes: Buffer): string {
  let value: JsonValue
  try {
    value = parseStrictJson(bytes)
  } catch (error) {
    if (error instanceof StrictJsonError) return 'not_json'
    throw error
  }
  const { status, reason } = judgeAibom(value, [key])
  return status === 'verified' ? status : (reason ?? status)
}

test('a text that says the same in other words is the same bill', () => {
  // What is signed is the value. Only canonical numbers with an exponent and escapes have such a neighbour.
  const data = { n: 1e21, c: '\u001f' }
  const text = `{"data":${canonicalJson(data)},"signature":"${signText(data).toString('hex')}"}`
  for (const same of [text, text.replace('1e+21', '1E+21'), text.replace('\\u001f', '\\u001F')]) {
    assert.equal(judgeAibom(parseStrictJson(Buffer.from(same)), [key]).status, 'verified')
  }
})
