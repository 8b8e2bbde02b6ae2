import { fromBase64, sha256Hex, toBase64 } from './bytes.ts'
import { isStrictPoint, publicKeyOf } from './ed25519.ts'

/** A key that bills of materials are verified with. */
export interface AibomPublicKey {
  /** First 16 hex digits of SHA-256 over the SPKI DER. */
  id: string
  /** The 32 bytes of the Ed25519 key. */
  bytes: Uint8Array
}

/** A key that bills of materials are signed with. `seed` is secret. */
export interface AibomPrivateKey {
  /** The 32 bytes of the Ed25519 private key. */
  seed: Uint8Array
  publicKey: AibomPublicKey
}

export interface AibomKeyPair extends AibomPrivateKey {
  /** PKCS#8 in PEM: keep it secret. */
  privateKeyPem: string
  /** SPKI in PEM: what the services and `verifyAibom` are given. */
  publicKeyPem: string
}

/** Why a text is not a usable key. */
export class AibomKeyError extends Error {
  override readonly name = 'AibomKeyError'
}

/** DER of an Ed25519 key up to its 32 bytes, RFC 8410 §4 and §7. */
const SPKI_HEAD = Uint8Array.of(0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0)
const PKCS8_HEAD = Uint8Array.of(
  ...[0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32],
)
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

/** A new key pair, from the random numbers of the platform. */
export function generateAibomKeyPair(): AibomKeyPair {
  const seed = crypto.getRandomValues(new Uint8Array(32))
  const publicKey = makePublicKey(publicKeyOf(seed))
  return {
    seed,
    publicKey,
    privateKeyPem: pem('PRIVATE KEY', join(PKCS8_HEAD, seed)),
    publicKeyPem: pem('PUBLIC KEY', spki(publicKey.bytes)),
  }
}

/**
 * The keys of a PEM text with one or several blocks `PUBLIC KEY` (SPKI, RFC 8410): several while a key
 * is being rotated. Throws {@link AibomKeyError}.
 */
export function readAibomPublicKeys(pemText: string): AibomPublicKey[] {
  return blocksOf(pemText).map(({ label, der }) => {
    if (label !== 'PUBLIC KEY') {
      const secret = label.includes('PRIVATE') ? ' Do not hand out a private key.' : ''
      throw new AibomKeyError(`a block PUBLIC KEY is needed, and this is a ${label}.${secret}`)
    }
    const bytes = keyBytes(der, SPKI_HEAD)
    if (!bytes) throw new AibomKeyError('the public key is not an Ed25519 key in SPKI form')
    if (!isStrictPoint(bytes)) {
      throw new AibomKeyError('the public key is of small order or not canonical: anybody can sign')
    }
    return makePublicKey(bytes)
  })
}

/** The key of a PEM text with one block `PRIVATE KEY` (PKCS#8, RFC 8410). Throws {@link AibomKeyError}. */
export function readAibomPrivateKey(pemText: string): AibomPrivateKey {
  const [block, ...more] = blocksOf(pemText)
  if (!block || more.length > 0) {
    throw new AibomKeyError('the text must hold one PEM block, the private key')
  }
  if (block.label !== 'PRIVATE KEY') {
    throw new AibomKeyError(
      `a block PRIVATE KEY (PKCS#8, not encrypted) is needed, and this is a ${block.label}`,
    )
  }
  const seed = keyBytes(block.der, PKCS8_HEAD)
  if (!seed) throw new AibomKeyError('the private key is not an Ed25519 key in PKCS#8 form')
  return { seed, publicKey: makePublicKey(publicKeyOf(seed)) }
}

/** The SPKI PEM of a public key. */
export function aibomPublicKeyPem(key: AibomPublicKey): string {
  return pem('PUBLIC KEY', spki(key.bytes))
}

function makePublicKey(bytes: Uint8Array): AibomPublicKey {
  return { id: sha256Hex(spki(bytes)).slice(0, 16), bytes }
}

function spki(bytes: Uint8Array): Uint8Array {
  return join(SPKI_HEAD, bytes)
}

function blocksOf(text: string): { label: string; der: Uint8Array }[] {
  const blocks = [...text.matchAll(PEM_BLOCK)].map(([, label = '', body = '']) => {
    const der = fromBase64(body.replaceAll(/\s/g, ''))
    if (!der) throw new AibomKeyError(`the block ${label} is not valid base64`)
    return { label, der }
  })
  if (blocks.length > 0) return blocks
  throw new AibomKeyError('the text holds no PEM block (-----BEGIN … -----)')
}

/** The 32 bytes behind a head, if the DER is exactly these two. */
function keyBytes(der: Uint8Array, head: Uint8Array): Uint8Array | null {
  const fits = der.length === head.length + 32 && head.every((byte, i) => der[i] === byte)
  return fits ? der.slice(head.length) : null
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + tail.length)
  bytes.set(head)
  bytes.set(tail, head.length)
  return bytes
}

/** PEM as RFC 7468 §2 wants it: lines of 64 characters. */
function pem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
