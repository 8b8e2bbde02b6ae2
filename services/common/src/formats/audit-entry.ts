import { hash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import { formatMicroseconds } from './timestamps.ts'

/** What a caller wants on record. `details` is canonical JSON text of an object. */
export interface AuditEvent {
  event_type: string
  subject: string
  decision: boolean
  details: string
  actor: string | null
  request_id: string | null
}

/** An entry as stored: hashes and salt in lower-case hex, `created_at_us` in µs since the epoch. */
export interface AuditEntry {
  id: number
  event_type: string
  subject: string
  decision: boolean
  /** Canonical JSON text, null once erased. */
  details: string | null
  details_salt: string | null
  details_hash: string
  actor: string | null
  request_id: string | null
  created_at_us: number
  prev_hash: string
  entry_hash: string
  erased_by: number | null
}

/** `prev_hash` of entry 1. */
export const FIRST_PREV_HASH = '00'.repeat(32)

/** SHA256(salt ‖ details), docs/FORMATS.md. `salt` is 32 hex digits, `details` canonical JSON text. */
export function detailsHash(salt: string, details: string): string {
  return hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), Buffer.from(details)]))
}

/**
 * SHA256 over the canonical JSON of the envelope, docs/FORMATS.md. The six names are known and written
 * in canonical order here; `JSON.stringify` prints strings as RFC 8785 §3.2.2.2 wants them.
 */
export function eventHash(
  event: Pick<
    AuditEntry,
    'actor' | 'decision' | 'details_hash' | 'event_type' | 'request_id' | 'subject'
  >,
): string {
  return hash(
    'sha256',
    `{"actor":${JSON.stringify(event.actor)},"decision":${event.decision}` +
      `,"details_hash":"${event.details_hash}","event_type":${JSON.stringify(event.event_type)}` +
      `,"request_id":${JSON.stringify(event.request_id)},"subject":${JSON.stringify(event.subject)},"v":1}`,
  )
}

/** SHA256(0x02 ‖ prev_hash ‖ u64 id ‖ i64 created_at ‖ event_hash), docs/FORMATS.md. */
export function entryHash(prev: string, id: number, createdAtUs: number, event: string): string {
  const bytes = Buffer.allocUnsafe(81)
  bytes[0] = 0x02
  bytes.write(prev, 1, 32, 'hex')
  bytes.writeBigUInt64BE(BigInt(id), 33)
  bytes.writeBigInt64BE(BigInt(createdAtUs), 41)
  bytes.write(event, 49, 32, 'hex')
  return hash('sha256', bytes)
}

/**
 * The entry on the wire, in answers and exports alike (docs/FORMATS.md). `details` goes out as the
 * stored text, byte for byte, which no serializer of parsed values can promise.
 */
export function entryJson(entry: AuditEntry): string {
  const erased = entry.erased_by === null ? '' : `,"erased":true,"erased_by":${entry.erased_by}`
  return (
    `{"id":${entry.id},"event_type":${JSON.stringify(entry.event_type)}` +
    `,"subject":${JSON.stringify(entry.subject)},"decision":${entry.decision}` +
    `,"details":${entry.details},"details_salt":${JSON.stringify(entry.details_salt)}` +
    `,"details_hash":"${entry.details_hash}","actor":${JSON.stringify(entry.actor)}` +
    `,"request_id":${JSON.stringify(entry.request_id)}` +
    `,"created_at":"${formatMicroseconds(entry.created_at_us)}"` +
    `,"prev_hash":"${entry.prev_hash}","entry_hash":"${entry.entry_hash}"${erased}}`
  )
}

/** What an entry must continue. */
export type Before = Pick<AuditEntry, 'entry_hash' | 'created_at_us'>

/**
 * Recomputes every hash of an entry. Returns null if all agree with each other and with the entry before
 * it, else the first thing that does not.
 */
export function entryFault(entry: AuditEntry, before: Before): string | null {
  if (entry.prev_hash !== before.entry_hash)
    return 'prev_hash is not the entry_hash of the entry before'
  if (entry.created_at_us < before.created_at_us)
    return 'created_at is earlier than that of the entry before'
  const reason = entry.erased_by === null ? detailsFault(entry) : erasedFault(entry)
  if (reason !== null) return reason
  return entryHash(entry.prev_hash, entry.id, entry.created_at_us, eventHash(entry)) ===
    entry.entry_hash
    ? null
    : 'entry_hash does not match the content'
}

/** Entries of these types attest what the control plane did; the database refuses to erase them. */
const NEVER_ERASED = /^(?:lineage|policy|audit)\./

function detailsFault({ details, details_salt, details_hash }: AuditEntry): string | null {
  if (details === null || details_salt === null) {
    return 'details are missing and no erasure accounts for it'
  }
  // Whoever verifies an export has parsed details, and hashes their canonical text.
  if (!isCanonical(details)) return 'details are not canonical JSON'
  return detailsHash(details_salt, details) === details_hash
    ? null
    : 'details do not match details_hash'
}

/** What keeps an erased entry from being one, whatever the entry says that accounts for it. */
function erasedFault(entry: AuditEntry): string | null {
  if (entry.details !== null || entry.details_salt !== null) {
    return 'an erased entry holds details or their salt'
  }
  if ((entry.erased_by ?? 0) <= entry.id)
    return 'details are missing and no erasure accounts for it'
  return NEVER_ERASED.test(entry.event_type) ? 'an entry of this type is never erased' : null
}

function isCanonical(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text
  } catch {
    return false
  }
}
