import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { verifyEd25519 } from '@ai-governance/common/formats/ed25519'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const message = Buffer.from('the signed bytes')
const signature = sign(null, message, privateKey)
const L = 2n ** 252n + 27742317777372353535851937790883648493n

const littleEndian = (n: bigint) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
const number = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const keyOf = (bytes: Buffer) =>
  createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
  })

/** The encodings of the points of small order, and those of them that are not canonical. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'))

test('a signature verifies', () => {
  assert.equal(verifyEd25519(publicKey, message, signature), true)
})

test('every flipped bit of signature and message is noticed', () => {
  for (const [bytes, check] of [
    [signature, (changed: Buffer) => verifyEd25519(publicKey, message, changed)],
    [message, (changed: Buffer) => verifyEd25519(publicKey, changed, signature)],
  ] as const) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.equal(check(changed), false, `bit ${bit}`)
    }
  }
})

test('the same signature with L added to S is refused', () => {
  const s = number(signature.subarray(32)) + L
  assert.equal(
    verifyEd25519(publicKey, message, Buffer.concat([signature.subarray(0, 32), littleEndian(s)])),
    false,
  )
})

test('a key of small order, under which S = 0 signs everything, is refused', () => {
  for (const key of SMALL_ORDER) {
    for (const r of SMALL_ORDER) {
      const forged = Buffer.concat([r, Buffer.alloc(32)])
      assert.equal(verifyEd25519(keyOf(key), message, forged), false, key.toString('hex'))
    }
  }
})

test('an R of small order or not canonical is refused', () => {
  for (const r of SMALL_ORDER) {
    const forged = Buffer.concat([r, signature.subarray(32)])
    assert.equal(verifyEd25519(publicKey, message, forged), false)
  }
})

test('a signature of another length is refused', () => {
  for (const bytes of [
    Buffer.alloc(0),
    signature.subarray(0, 63),
    Buffer.concat([signature, Buffer.of(0)]),
  ]) {
    assert.equal(verifyEd25519(publicKey, message, bytes), false)
  }
})
