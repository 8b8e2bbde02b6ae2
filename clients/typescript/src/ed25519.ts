import nacl from 'tweetnacl'

/** Order of the base point, RFC 8032 §5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
/** The field prime, RFC 8032 §5.1. */
const P = 2n ** 255n - 19n
/** y of the eight points of small order: 0 (order 4), 1 (order 1), -1 (order 2) and two of order 8. */
const ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n
const SMALL_ORDER_Y = [0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y]

/**
 * Strict Ed25519. tweetnacl verifies as RFC 8032 does, but takes signatures with S ≥ L, so that anybody
 * could make a second signature of one message, and keys of small order, under which one signature
 * fits many messages. Both are refused here first, and so are points that are not canonically encoded.
 *
 * `publicKey` is 32 bytes and `signature` 64; other lengths are false. Both may come from anybody.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    publicKey.length === 32 &&
    signature.length === 64 &&
    isStrictPoint(publicKey) &&
    isStrictPoint(signature.subarray(0, 32)) &&
    littleEndian(signature.subarray(32)) < L &&
    nacl.sign.detached.verify(message, signature, publicKey)
  )
}

/** The 64 bytes of the signature of a message. `seed` is the 32 bytes of the private key. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return nacl.sign.detached(message, nacl.sign.keyPair.fromSeed(seed).secretKey)
}

/** The 32 bytes of the public key that belongs to the 32 bytes of a private one. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return nacl.sign.keyPair.fromSeed(seed).publicKey
}

/** Whether 32 bytes can be a public key: canonically encoded and not of small order. */
export function isStrictPoint(bytes: Uint8Array): boolean {
  const y = littleEndian(bytes) & ((1n << 255n) - 1n)
  return y < P && !SMALL_ORDER_Y.includes(y)
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n)
}
