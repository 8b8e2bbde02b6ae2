import { fromBase64, toBytes } from './bytes.ts'
import { verifyEd25519 } from './ed25519.ts'
import type { Envelope } from './gate-types.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { JsonTextError, parseJson } from './json-text.ts'
import { readVerifierKey, type VerifierKey } from './signed-note.ts'

const IN_TOTO = 'application/vnd.in-toto+json'
const STATEMENT = 'https://in-toto.io/Statement/v1'
const SUMMARY = 'https://slsa.dev/verification_summary/v1'
/** Key ids are hints: of an envelope with more signatures than this none is looked at. */
const MAX_SIGNATURES = 20

/** What a log says of a decision: an in-toto Statement (v1) with a SLSA Verification Summary (v1). */
export interface VerificationSummary {
  _type: typeof STATEMENT
  /** The artifacts that were decided about, by algorithm and hex digest. */
  subject: { name: string; digest: Record<string, string> }[]
  predicateType: typeof SUMMARY
  predicate: {
    verifier: { id: string }
    timeVerified: string
    resourceUri: string
    policy: { uri: string; digest: { sha256: string } }
    inputAttestations: { uri: string; digest: { sha256: string } }[]
    verificationResult: 'PASSED' | 'FAILED'
    verifiedLevels: string[]
    /** Where on the log, and what was decided. */
    'urn:ai-governance:entry': {
      id: number
      entry_hash: string
      decision_id: string
      input_digest: string
    }
  }
}

/**
 * The summary in an envelope, if the log of a verifier key signed it and it names that log as its verifier; else null.
 * Whether the artifact in question is among its subjects, and its result is `PASSED`, is for the caller to look at.
 *
 * @param envelope may come from anybody
 * @throws NoteError for a key that cannot be read
 */
export function verifyVsa(
  envelope: unknown,
  key: string | VerifierKey,
): VerificationSummary | null {
  const verifier = typeof key === 'string' ? readVerifierKey(key) : key
  const payload = signedPayload(envelope, verifier)
  const statement = payload && parsedObject(payload)
  return statement && isSummary(statement, verifier.name)
    ? (statement as unknown as VerificationSummary)
    : null
}

function signedPayload(envelope: unknown, { publicKey }: VerifierKey): Uint8Array | null {
  if (!isObject(envelope)) return null
  const { payloadType, payload: text, signatures } = envelope as Partial<Record<string, JsonValue>>
  const payload = typeof text === 'string' ? fromBase64(text) : null
  const isKnown = payloadType === IN_TOTO && Array.isArray(signatures)
  if (!payload || !isKnown || signatures.length > MAX_SIGNATURES) return null
  const message = preAuthEncoding(IN_TOTO, payload)
  const isSigned = signatures.some((one) => {
    const sig = isObject(one) && typeof one.sig === 'string' ? fromBase64(one.sig) : null
    return sig !== null && verifyEd25519(publicKey, message, sig)
  })
  return isSigned ? payload : null
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function preAuthEncoding(payloadType: Envelope['payloadType'], payload: Uint8Array): Uint8Array {
  const head = toBytes(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `)
  const bytes = new Uint8Array(head.length + payload.length)
  bytes.set(head)
  bytes.set(payload, head.length)
  return bytes
}

function parsedObject(bytes: Uint8Array): JsonObject | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value = parseJson(text)
    return isObject(value) ? value : null
  } catch (error) {
    if (error instanceof JsonTextError || error instanceof TypeError) return null
    throw error
  }
}

function isSummary(statement: JsonObject, origin: string): boolean {
  const { _type, predicateType, subject, predicate } = statement
  if (_type !== STATEMENT || predicateType !== SUMMARY || !isObject(predicate)) return false
  const { verifier, policy, verificationResult, verifiedLevels } = predicate
  const entry = predicate['urn:ai-governance:entry']
  return (
    isObject(verifier) &&
    verifier.id === `urn:ai-governance:log:${encodeURIComponent(origin)}` &&
    isObject(policy) &&
    (verificationResult === 'PASSED' || verificationResult === 'FAILED') &&
    Array.isArray(verifiedLevels) &&
    isObject(entry) &&
    Number.isSafeInteger(entry.id) &&
    Array.isArray(subject) &&
    subject.length > 0 &&
    subject.every((one) => isObject(one) && isObject(one.digest))
  )
}
