import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  aibomPublicKeyPem,
  readAibomPrivateKey,
  readAibomPublicKeys,
  signAibom,
  verifyAibom,
} from '../../clients/typescript/src/index.ts'
import type { JsonObject, JsonValue } from '../../services/common/src/canonical-json.ts'
import { judgeAibom } from '../../services/mcp-policy/src/aibom.ts'

interface Case {
  name: string
  aibom: JsonValue
  keys: { id: string; public_key: string }[]
  result: unknown
}

const vectors: {
  keys: { seed: string; public_key: string; id: string; private_pem: string; public_pem: string }[]
  signing: { data: JsonObject; seed: string; signature: string }[]
  detached_jcs: Case[]
  cyclonedx_jsf: Case[]
} = JSON.parse(readFileSync(new URL('../../docs/vectors/aibom.json', import.meta.url), 'utf8'))

const byClient = ({ aibom, keys }: Case) =>
  verifyAibom(
    aibom,
    keys.map(({ id, public_key }) => ({ id, bytes: Buffer.from(public_key, 'hex') })),
  )

const byService = ({ aibom, keys }: Case) =>
  judgeAibom(
    aibom,
    keys.map(({ id, public_key }) => {
      const x = Buffer.from(public_key, 'hex').toString('base64url')
      return { id, key: createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }) }
    }),
  )

for (const vector of vectors.detached_jcs) {
  test(`detached-jcs, ${vector.name}: client and service say what the vector says`, () => {
    assert.deepEqual(byClient(vector), vector.result)
    assert.deepEqual(byService(vector), vector.result)
  })
}

for (const vector of vectors.cyclonedx_jsf) {
  test(`cyclonedx-jsf, ${vector.name}: the client says what the vector says`, () => {
    assert.deepEqual(byClient(vector), vector.result)
  })
}

test('the service does not read CycloneDX yet, and never takes such a bill for verified', () => {
  for (const vector of vectors.cyclonedx_jsf) {
    assert.deepEqual(
      [byService(vector).status, byService(vector).reason],
      ['unsupported', 'format_not_supported'],
    )
  }
})

test('keys are read from PEM and written back as they were, with their ids', () => {
  for (const key of vectors.keys) {
    const [read, ...more] = readAibomPublicKeys(key.public_pem)
    assert.ok(read && more.length === 0)
    assert.deepEqual([read.id, Buffer.from(read.bytes).toString('hex')], [key.id, key.public_key])
    assert.equal(aibomPublicKeyPem(read), key.public_pem)
    const secret = readAibomPrivateKey(key.private_pem)
    assert.equal(Buffer.from(secret.seed).toString('hex'), key.seed)
    assert.deepEqual(secret.publicKey, read)
  }
  const all = vectors.keys.map(({ public_pem }) => public_pem).join('a comment\n')
  assert.deepEqual(
    readAibomPublicKeys(all).map(({ id }) => id),
    vectors.keys.map(({ id }) => id),
  )
})

test('the client signs as the vectors are signed', () => {
  for (const { data, seed, signature } of vectors.signing) {
    const key = vectors.keys.find((candidate) => candidate.seed === seed)
    const signed = signAibom(data, readAibomPrivateKey(key?.private_pem ?? ''))
    assert.deepEqual(signed, { data, signature, key_id: key?.id })
  }
})
