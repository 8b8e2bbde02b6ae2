import { type KeyObject, verify } from 'node:crypto'

/** Order of the base point, RFC 8032 §5.1: 2^252 + 27742317777372353535851937790883648493. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
/** The field prime, RFC 8032 §5.1. */
const P = 2n ** 255n - 19n
/** The y of the points of order 1, 2, 4 and 8. Points with x negated share their y. */
const SMALL_ORDER_Y = new Set([
  1n,
  P - 1n,
  0n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
])

/**
 * Strict Ed25519: RFC 8032 verification by OpenSSL, and before it the refusal of everything under which
 * one message can have two valid signatures or one signature fit many keys: S ≥ L (malleable), and a
 * public key or R that is of small order or not canonically encoded (y ≥ p).
 *
 * `signature` is 64 bytes, attacker-controlled; another length is false.
 */
export function verifyEd25519(key: KeyObject, message: Buffer, signature: Buffer): boolean {
  return isStrictlyEncoded(publicKeyBytes(key), signature) && verify(null, message, key, signature)
}

/**
 * What is asked before the equation is. Apart from it, because newer versions of OpenSSL refuse the same,
 * and a test of both together would not notice if these checks were gone.
 */
export function isStrictlyEncoded(publicKey: Buffer, signature: Buffer): boolean {
  return (
    signature.length === 64 &&
    isStrictPoint(publicKey) &&
    isStrictPoint(signature.subarray(0, 32)) &&
    littleEndian(signature.subarray(32)) < L
  )
}

/** The 32 bytes of an Ed25519 public key (RFC 8037 §2). */
export function publicKeyBytes(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

/** Whether 32 bytes can be a public key: not of small order, and with a y below p. */
export function isStrictPoint(bytes: Buffer): boolean {
  if (bytes.length !== 32) return false
  const y = littleEndian(bytes) & ((1n << 255n) - 1n)
  return y < P && !SMALL_ORDER_Y.has(y)
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}
