import { ApiError } from '@ai-governance/common/errors'
import { detailsHash, entryHash, eventHash } from '@ai-governance/common/formats/audit-entry'
import type { Verdict } from './answers.ts'
import type { AttestedRecord, LineageStore } from './lineage-store.ts'
import { type LineageRecord, recordHash, registeredDetails } from './record.ts'

export interface VerifyRequest {
  from_id: number
  /** Records to verify at most in this step. */
  limit: number
}

/** Small, because hashing a chunk holds up other requests for about a millisecond a hundred records. */
const CHUNK = { limit: 200, maxBytes: 2 * 1_048_576 }

/** Holds records against the log entries that attest them, and every such entry against a record. */
export async function verifyRecords(store: LineageStore, request: VerifyRequest): Promise<Verdict> {
  const { from_id, limit } = request
  const fault = (id: number, reason: string): Verdict => ({
    ok: false,
    records: Math.max(0, id - from_id),
    first_bad_id: id,
    reason,
    next_from_id: null,
  })
  const startEntry = await store.entryIdOf(from_id - 1)
  if (startEntry === null) {
    const last = await store.lastId()
    if (from_id > last + 1) {
      throw new ApiError(
        'invalid_request',
        `the lineage ends at ${last}: there is nothing to verify`,
      )
    }
    return fault(from_id - 1, 'the record is missing')
  }

  let next = from_id
  let lastEntry = startEntry
  let atEnd = false
  // Said last: the list is no evidence, and is wrong too where a record was moved.
  let unlisted: number | null = null
  while (next < from_id + limit && !atEnd) {
    const size = Math.min(CHUNK.limit, from_id + limit - next)
    const attested = await store.attested(next, { ...CHUNK, limit: size })
    for (const { record, entry, listed } of attested) {
      const reason = orderFault(record, next, lastEntry) ?? recordFault(record, entry)
      if (reason) return fault(next, reason)
      if (!listed) unlisted ??= next
      lastEntry = record.audit_id
      next++
    }
    atEnd = attested.length === 0
  }
  const orphan = await store.firstOrphanedEntry(startEntry, atEnd ? null : lastEntry)
  if (orphan !== null) return fault(next, `the record that entry ${orphan} attests is missing`)
  if (unlisted !== null) return fault(unlisted, 'the list of models leaves it out')
  return {
    ok: true,
    records: next - from_id,
    first_bad_id: null,
    reason: null,
    next_from_id: atEnd ? null : next,
  }
}

/** The id of a record is in no hash. It is right where records are in the order of the entries that attest them. */
function orderFault(record: LineageRecord, expected: number, lastEntry: number): string | null {
  if (record.id !== expected) return 'the record is missing'
  return record.audit_id > lastEntry ? null : 'the record before it was registered later'
}

/** What is wrong with a record, or null. The entry is recomputed too: a faked one attests nothing. */
function recordFault(record: LineageRecord, entry: AttestedRecord['entry']): string | null {
  if (recordHash(record) !== record.record_hash) return 'record_hash does not match the content'
  if (!entry) return 'no log entry attests the record'
  if (entry.event_type !== 'lineage.registered') return 'the log entry attests something else'
  if (entry.subject !== `${record.model_id}@${record.version}` || !entry.decision) {
    return 'the log entry is about another model version'
  }
  if (entry.details !== registeredDetails(record)) return 'the log entry names another record'
  if (entry.created_at_us !== record.created_at_us) return 'the log entry was made at another time'
  const whole =
    entry.details_salt !== null &&
    detailsHash(entry.details_salt, entry.details) === entry.details_hash &&
    entryHash(entry.prev_hash, record.audit_id, entry.created_at_us, eventHash(entry)) ===
      entry.entry_hash
  return whole ? null : 'the log entry does not match its hash'
}
