import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { verifyEd25519 } from '@ai-governance/common/formats/ed25519'

/** The key of a witness, https://c2sp.org/tlog-cosignature. */
export interface WitnessKey {
  /** `<name>+<key id>+<base64( 0x04 ‖ public key )>` */
  text: string
  name: string
  /** Four bytes: SHA256( name ‖ 0x0A ‖ 0x04 ‖ public key )[:4]. */
  id: Buffer
  publicKey: KeyObject
}

/** Type of an Ed25519 key that cosigns checkpoints. */
const COSIGNATURE_V1 = 0x04
const LINE = /^— ([^+\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u
/** How far the clock of a witness may be from ours, in seconds. */
const MAX_CLOCK_DISTANCE = 600

/** Why the answer of a witness counts for nothing. The message may go into a log. */
export class CosignatureError extends Error {}

/** The key that a text says; null if it is not the verifier key of a witness. */
export function parseWitnessKey(text: string): WitnessKey | null {
  const match = /^([^+\p{White_Space}\p{Cc}]{1,300})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/u.exec(
    text,
  )
  const [, name = '', id = '', base64 = ''] = match ?? []
  const bytes = fromBase64(base64)
  if (!bytes || bytes[0] !== COSIGNATURE_V1) return null
  const wanted = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), bytes]), 'buffer')
  if (wanted.subarray(0, 4).toString('hex') !== id) return null
  const x = bytes.subarray(1).toString('base64url')
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return { text, name, id: wanted.subarray(0, 4), publicKey }
}

/**
 * The line in the answer of a witness with which it cosigned a checkpoint just now, without LF. `text` is what the
 * checkpoint's own signature is over, `now` in seconds since 1970. The answer may hold anything. Throws
 * {@link CosignatureError}.
 */
export function findCosignature(
  answer: string,
  key: WitnessKey,
  text: string,
  now: number,
): string {
  for (const line of answer.split('\n')) {
    const time = cosignedAt(line, key, text)
    // Lines of other keys are passed over: the protocol allows any.
    if (time === null) continue
    if (Math.abs(Number(time) - now) > MAX_CLOCK_DISTANCE) {
      throw new CosignatureError('its clock or the one here is wrong')
    }
    return line
  }
  throw new CosignatureError('its answer holds no cosignature of its key')
}

/**
 * When a line says that this key cosigned a checkpoint of this text, in seconds since 1970; null for the line of
 * another key, or none. Throws {@link CosignatureError} where it is wrong.
 */
export function cosignedAt(line: string, key: WitnessKey, text: string): bigint | null {
  const [, name, base64 = ''] = LINE.exec(line) ?? []
  const bytes = fromBase64(base64)
  if (name !== key.name || !bytes?.subarray(0, 4).equals(key.id)) return null
  if (bytes.length !== 4 + 8 + 64) throw new CosignatureError('its cosignature has another length')
  const time = bytes.readBigUInt64BE(4)
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
  if (!verifyEd25519(key.publicKey, message, bytes.subarray(12))) {
    throw new CosignatureError('its cosignature is wrong')
  }
  return time
}

/** Null unless the text is exactly what the bytes encode to, and there are some. */
function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null
}
