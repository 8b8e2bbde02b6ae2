import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { verifyEd25519 as verifyByClient } from '../../clients/typescript/src/ed25519.ts'
import {
  aibomPublicKeyPem,
  readAibomPrivateKey,
  readAibomPublicKeys,
  signAibom,
  verifyAibom,
} from '../../clients/typescript/src/index.ts'
import type { JsonObject, JsonValue } from '../../services/common/src/formats/canonical-json.ts'
import {
  isStrictlyEncoded,
  verifyEd25519 as verifyByService,
} from '../../services/common/src/formats/ed25519.ts'
import { judgeAibom } from '../../services/mcp-policy/src/aibom.ts'
import { loadAibomKeys, makeAibomKey } from '../../services/mcp-policy/src/aibom-keys.ts'

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

interface SignatureCase {
  name: string
  public_key: string
  message: string
  signature: string
  /** Whether the key may be configured at all. */
  key_ok: boolean
  /** Whether key, R and S are strictly encoded, whatever the equation says. */
  encoding_ok: boolean
  valid: boolean
}
const ed25519: { cases: SignatureCase[] } = JSON.parse(
  readFileSync(new URL('../../docs/vectors/aibom-ed25519.json', import.meta.url), 'utf8'),
)

const folder = mkdtempSync(join(tmpdir(), 'aibom-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function keyObject(hex: string) {
  const x = Buffer.from(hex, 'hex').toString('base64url')
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
}

const byClient = ({ aibom, keys }: Case) =>
  verifyAibom(
    aibom,
    keys.map(({ id, public_key }) => ({ id, bytes: Buffer.from(public_key, 'hex') })),
  )

const byService = ({ aibom, keys }: Case) =>
  judgeAibom(
    aibom,
    keys.map(({ id, public_key }) => ({ ...makeAibomKey(keyObject(public_key)), id })),
  )

for (const [format, cases] of [
  ['detached-jcs', vectors.detached_jcs],
  ['cyclonedx-jsf', vectors.cyclonedx_jsf],
] as const) {
  for (const vector of cases) {
    test(`${format}, ${vector.name}: client and service say what the vector says`, () => {
      assert.deepEqual(byClient(vector), vector.result)
      assert.deepEqual(byService(vector), vector.result)
    })
  }
}

for (const vector of ed25519.cases) {
  const { name, public_key, message, signature, key_ok, encoding_ok, valid } = vector
  test(`Ed25519, ${name}: client and service say what the vector says`, () => {
    const [key, text, signed] = [public_key, message, signature].map((hex) =>
      Buffer.from(hex, 'hex'),
    ) as [Buffer, Buffer, Buffer]
    assert.equal(verifyByClient(key, text, signed), valid)
    assert.equal(isStrictlyEncoded(key, signed), encoding_ok)
    assert.equal(verifyByService(keyObject(public_key), text, signed), valid)
    const pem = aibomPublicKeyPem({ id: '', bytes: key })
    const path = join(folder, 'key.pem')
    writeFileSync(path, pem)
    if (key_ok) {
      assert.equal(readAibomPublicKeys(pem).length, 1)
      assert.equal(loadAibomKeys(path).length, 1)
    } else {
      assert.throws(() => readAibomPublicKeys(pem), /small order or not canonical/)
      assert.throws(() => loadAibomKeys(path), /small order or not canonical/)
    }
  })
}

test('a bill that the client signs in either format is verified by the service', () => {
  const [key] = vectors.keys
  assert.ok(key)
  const secret = readAibomPrivateKey(key.private_pem)
  const bom = { bomFormat: 'CycloneDX', specVersion: '1.7', components: [] }
  for (const format of ['detached-jcs', 'cyclonedx-jsf'] as const) {
    const aibom = signAibom(bom, secret, { format })
    const judged = judgeAibom(aibom as JsonObject, [makeAibomKey(keyObject(key.public_key))])
    assert.deepEqual([judged.status, judged.format, judged.key_id], ['verified', format, key.id])
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
