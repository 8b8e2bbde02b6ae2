import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'

/** What a format takes out of a bill for its signature to be checked. */
export interface SignedPart {
  format: NonNullable<AibomResult['format']>
  /** The value whose canonical form is signed. */
  signed: JsonObject
  /** The 64 bytes; null if the text of the signature is none of the accepted forms. */
  signature: Buffer | null
  keyId: string | undefined
  /** The 32 bytes of the key that the bill itself carries: a hint, never trusted. */
  publicKey?: Buffer | undefined
}

/** A result without a signature that could be checked. */
export function unsigned(status: AibomResult['status'], reason: string | null): AibomResult {
  return { status, format: null, key_id: null, canonical_sha256: null, reason }
}

/**
 * The bytes of a text, or null. Decoding is lenient in Node, so only a text that encodes back to itself
 * is taken: one signature, one text.
 */
export function decodeExactly(
  text: string,
  encoding: 'hex' | 'base64' | 'base64url',
  length: number,
): Buffer | null {
  const bytes = Buffer.from(text, encoding)
  return bytes.length === length && bytes.toString(encoding) === text ? bytes : null
}
