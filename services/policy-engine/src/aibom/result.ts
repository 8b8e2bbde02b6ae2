/** What is known of an AI bill of materials, as it stands in answers (docs/FORMATS.md, "Bill of materials"). */
export interface AibomResult {
  status: 'verified' | 'absent' | 'invalid' | 'untrusted_key' | 'unsupported'
  format: 'detached-jcs' | 'cyclonedx-jsf' | null
  /** The configured key that verified it, or the one it names. */
  key_id: string | null
  /** SHA-256 in hex over the signed bytes. */
  canonical_sha256: string | null
  /** Why it is not verified, or why a verified one is not bound, as a word. */
  reason: string | null
  /** Whether it is verified and of the model that the request names; there where a model was asked for. */
  bound?: boolean | undefined
}
