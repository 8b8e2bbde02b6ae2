import type { ProvenEntry } from './audit-types.ts'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { isProven } from './proofs.ts'
import { readVerifierKey, type VerifierKey } from './signed-note.ts'

/** The entry of a receipt that holds, or in one sentence why it does not. */
export type ReceiptVerdict = { ok: true; entry: ProvenEntry } | { ok: false; reason: string }

/**
 * Verifies a receipt without any server: an answer of the gate with its proof, or of `log` with its proof. The entry
 * must have the hashes of its content, its proof must lead to a checkpoint that the key signed, and what the gate's
 * answer says beside the entry must be what the entry records. `receipt` may come from anybody. Throws `NoteError`
 * for a key that cannot be read.
 */
export function verifyReceipt(receipt: unknown, key: string | VerifierKey): ReceiptVerdict {
  const verifier = typeof key === 'string' ? readVerifierKey(key) : key
  if (!isObject(receipt)) return no('this is no receipt')
  const isOfGate = isObject(receipt.audit)
  const entry = (isOfGate ? receipt.audit : receipt) as JsonObject
  if (!isObject(entry.proof)) return no('it comes without a proof: ask with proof=true')
  if (!isProvenSafely(entry, verifier)) {
    return no('the key did not sign a log with this entry as it stands here')
  }
  if (isOfGate && !saysWhatIsRecorded(receipt, entry)) {
    return no('the answer says something else than the entry that records it')
  }
  return { ok: true, entry: entry as unknown as ProvenEntry }
}

/** What is no JSON of a service, such as a text with half a character, has no hash and proves nothing. */
function isProvenSafely(entry: JsonObject, key: VerifierKey): boolean {
  try {
    return isProven(entry, key)
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function saysWhatIsRecorded({ allowed, decision }: JsonObject, entry: JsonObject): boolean {
  const { event_type, details } = entry
  const recorded = isObject(details) ? details.decision : undefined
  return (
    event_type === 'gate.decided' &&
    isObject(recorded) &&
    allowed === entry.decision &&
    allowed === recorded.allowed &&
    canonicalJson(decision as JsonValue) === canonicalJson(recorded)
  )
}

const no = (reason: string): ReceiptVerdict => ({ ok: false, reason })
