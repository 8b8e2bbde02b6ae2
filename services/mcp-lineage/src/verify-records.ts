import { detailsHash, entryHash, eventHash } from '@ai-governance/common/audit-entry'
import type { AttestedRecord, LineageStore } from './lineage-store.ts'
import { recordHash, registeredDetails } from './record.ts'

export interface Verdict {
  ok: boolean
  /** Records found right. */
  records: number
  first_bad_id: number | null
  reason: string | null
}

const STEP = { limit: 500, maxBytes: 8 * 1_048_576 }

/** Holds every record against the log entry that attests it, and every such entry against a record. */
export async function verifyRecords(store: LineageStore): Promise<Verdict> {
  let next = 1
  for (;;) {
    const attested = await store.attested(next, STEP)
    for (const { record, entry } of attested) {
      const reason = record.id === next ? recordFault({ record, entry }) : 'the record is missing'
      if (reason) return { ok: false, records: next - 1, first_bad_id: next, reason }
      next++
    }
    if (attested.length === 0) break
  }
  const orphan = await store.firstOrphanedEntry()
  return orphan === null
    ? { ok: true, records: next - 1, first_bad_id: null, reason: null }
    : {
        ok: false,
        records: next - 1,
        first_bad_id: next,
        reason: `the record that entry ${orphan} attests is missing`,
      }
}

/** What is wrong with a record, or null. The entry is recomputed too: a faked one attests nothing. */
export function recordFault({ record, entry }: AttestedRecord): string | null {
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
