import type { AuditEntry, ConsistencyProof, InclusionProof } from './audit-types.ts'
import { canonicalJson } from './canonical-json.ts'
import { readCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { detailsHash, entryHash } from './entry-hash.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { leafHash, readHashes, verifyConsistency, verifyInclusion } from './merkle.ts'
import { isSignedBy, NoteError, readVerifierKey, type VerifierKey } from './signed-note.ts'
import { parseWireTime } from './timestamps.ts'

/**
 * Whether the log of a verifier key holds an entry at its place: the checkpoint of the proof is signed by the key, and
 * the hashes lead from the entry to its root. `entryHash` is 64 hex digits, that of an entry which you checked or
 * trust. The proof may come from anybody. Throws `NoteError` for a key that cannot be read.
 */
export function verifyInclusionProof(
  proof: InclusionProof,
  entryHash: string,
  key: string | VerifierKey,
): boolean {
  const signed = signedBy(proof.checkpoint, key)
  const hashes = Array.isArray(proof.hashes) ? readHashes(proof.hashes) : null
  if (signed?.size !== proof.size || !hashes || !isHash(entryHash)) return false
  return verifyInclusion(proof.index, proof.size, leafHash(entryHash), hashes, signed.root)
}

/**
 * Whether the log of a verifier key continues what it was at an earlier checkpoint, whose size is `from` of the proof
 * and whose root, 64 hex digits, is `fromRoot`. The proof may come from anybody. Throws `NoteError` for a key that
 * cannot be read.
 */
export function verifyConsistencyProof(
  proof: ConsistencyProof,
  fromRoot: string,
  key: string | VerifierKey,
): boolean {
  const signed = signedBy(proof.checkpoint, key)
  const hashes = Array.isArray(proof.hashes) ? readHashes(proof.hashes) : null
  if (signed?.size !== proof.to || !hashes) return false
  return verifyConsistency(proof.from, proof.to, fromRoot, signed.root, hashes)
}

/** The checkpoint of a note if the key signed it under its name; else null. `note` may come from anybody. */
export function signedBy(note: unknown, key: string | VerifierKey): SignedCheckpoint | null {
  const verifier = typeof key === 'string' ? readVerifierKey(key) : key
  if (typeof note !== 'string') return null
  try {
    const checkpoint = readCheckpoint(note)
    return checkpoint.origin === verifier.name && isSignedBy(checkpoint.note, verifier)
      ? checkpoint
      : null
  } catch (error) {
    if (error instanceof NoteError) return null
    throw error
  }
}

/** Whether an answer is an entry that has the hashes of its content, and a proof of it that the key signed. */
export function isProven(answer: JsonObject, key: VerifierKey): boolean {
  const { proof, id, entry_hash } = answer
  if (!isObject(proof) || !hasItsHashes(answer)) return false
  const inclusion = proof as unknown as InclusionProof
  return (
    inclusion.index === Number(id) - 1 && verifyInclusionProof(inclusion, String(entry_hash), key)
  )
}

/** Whether an entry's hashes are those of its content. What it holds may come from anybody. */
function hasItsHashes(answer: JsonObject): boolean {
  const entry = answer as unknown as AuditEntry
  const created_at = parseWireTime(String(entry.created_at))
  const isWhole =
    created_at !== null && Number.isSafeInteger(entry.id) && entry.id > 0 && isHash(entry.prev_hash)
  if (!isWhole || !/^[0-9a-f]{32}$/.test(String(entry.details_salt))) return false
  const details = canonicalJson(answer.details as JsonValue)
  return (
    detailsHash(String(entry.details_salt), details) === entry.details_hash &&
    entryHash({ ...entry, created_at }) === entry.entry_hash
  )
}

const isHash = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
