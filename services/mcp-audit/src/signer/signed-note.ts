import { hash, type KeyObject, sign } from 'node:crypto'
import { HASH_BYTES } from '../tree/merkle.ts'

/** A name of a log that a note can hold: visible ASCII without "+" (https://c2sp.org/signed-note). */
export const ORIGIN = /^[\x21-\x2a\x2c-\x7e]{1,200}$/

/** What a checkpoint says of a log: its first `size` entries have this root. */
export interface TreeHead {
  size: number
  root: Buffer
}

/** Type of an Ed25519 key of a log (https://c2sp.org/signed-note). */
const ED25519 = 0x01

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url')
}

/** SHA256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]. */
function keyId(name: string, publicKey: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey])
  return hash('sha256', bytes, 'buffer').subarray(0, 4)
}

/** The verifier key that outsiders pin: `<origin>+<key id>+<base64(0x01 ‖ public key)>`. */
export function verifierKey(origin: string, publicKey: Buffer): string {
  const encoded = Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64')
  return `${origin}+${keyId(origin, publicKey).toString('hex')}+${encoded}`
}

/** The text of a checkpoint, which is what gets signed (https://c2sp.org/tlog-checkpoint). */
export function checkpointText(origin: string, { size, root }: TreeHead): string {
  if (!ORIGIN.test(origin)) throw new RangeError('no origin of a log')
  if (root.length !== HASH_BYTES) throw new RangeError('a root has 32 bytes')
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** The signed note of a checkpoint. `privateKey` is Ed25519, `publicKey` its 32 bytes. */
export function signCheckpoint(
  origin: string,
  head: TreeHead,
  privateKey: KeyObject,
  publicKey: Buffer,
): string {
  const text = checkpointText(origin, head)
  const signature = sign(null, Buffer.from(text), privateKey)
  const line = Buffer.concat([keyId(origin, publicKey), signature]).toString('base64')
  return `${text}\n— ${origin} ${line}\n`
}
