import type { JsonObject } from './json.ts'

export type AibomFormat = 'detached-jcs' | 'cyclonedx-jsf'

/** What is known of a bill of materials. */
export interface AibomResult {
  status: 'verified' | 'absent' | 'invalid' | 'untrusted_key' | 'unsupported'
  format: AibomFormat | null
  /** The key that verified it, or the one that it names. */
  key_id: string | null
  /** SHA-256 in hex over the signed bytes. */
  canonical_sha256: string | null
  /** Why it is not verified, as a word. */
  reason: string | null
}

/** What a format takes out of a bill for the signature to be checked. */
export interface SignedPart {
  format: AibomFormat
  /** The value whose canonical form is signed. */
  signed: JsonObject
  /** The 64 bytes; null if the text of the signature is none of the accepted forms. */
  signature: Uint8Array | null
  keyId: string | undefined
  /** The key that the bill itself carries: a hint, never trusted. */
  publicKey?: Uint8Array | undefined
}

/** A result without a signature that could be checked. */
export function unsigned(status: AibomResult['status'], reason: string | null): AibomResult {
  return { status, format: null, key_id: null, canonical_sha256: null, reason }
}
