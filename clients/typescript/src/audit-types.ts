import type { JsonObject } from './json.ts'

/** What goes on record. */
export interface AuditEvent {
  /** 1–200 characters. The control plane keeps `lineage.`, `audit.`, `policy.`, `gate.`, `auth.` to itself. */
  event_type: string
  /** 1–500 characters. Stays for ever: a pseudonym, never personal data. */
  subject: string
  decision: boolean
  details?: JsonObject | undefined
}

/** An event at its position in the log. Hashes and salt in lower-case hex. */
export interface AuditEntry {
  id: number
  event_type: string
  subject: string
  decision: boolean
  /** Null once erased, like `details_salt`. */
  details: JsonObject | null
  details_salt: string | null
  details_hash: string
  actor: string | null
  request_id: string | null
  /** RFC 3339 in UTC with six decimals: keep it as text, `Date` drops three of them. */
  created_at: string
  prev_hash: string
  entry_hash: string
  erased?: true | undefined
  erased_by?: number | undefined
}

/** Which entries to read. Times are RFC 3339 with an offset, inclusive. */
export interface EventsQuery {
  /** Entries a page: 1–1000, by default 100. */
  limit?: number | undefined
  /** Kept for existing clients: deep reading goes by pages. */
  offset?: number | undefined
  /** Ids below this one. */
  before?: number | undefined
  /** Ids above this one. */
  after?: number | undefined
  event_type?: string | undefined
  subject?: string | undefined
  actor?: string | undefined
  decision?: boolean | undefined
  from?: string | undefined
  to?: string | undefined
}

export type ExportFormat = 'json' | 'csv' | 'ndjson'

/** Ids, both included. */
export interface ExportRange {
  from_id?: number | undefined
  to_id?: number | undefined
}

export interface VerifyQuery {
  from_id?: number | undefined
  limit?: number | undefined
}

/** What a step of the service's own verification of the log found. */
export interface AuditVerdict {
  ok: boolean
  /** Entries that this step found right. */
  entries: number
  first_bad_id: number | null
  reason: string | null
  /** Root of the Merkle tree in hex; null while the log keeps no tree. */
  root: string | null
  /** Where the next step starts; null when this one reached the end or a fault. */
  next_from_id: number | null
}
