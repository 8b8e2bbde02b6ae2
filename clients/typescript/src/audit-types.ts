import type { ServiceErrorCode } from './errors.ts'
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
  /** Whether the export ends at the newest checkpoint that all witnesses of the log have cosigned. */
  witnessed?: boolean | undefined
}

/** Which checkpoint: a fresh one, or the newest that all witnesses of the log have cosigned. */
export interface CheckpointQuery {
  witnessed?: boolean | undefined
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

/** That an entry is in the log of a checkpoint (docs/FORMATS.md, Merkle tree). `verifyInclusionProof` judges it. */
export interface InclusionProof {
  /** The id of the entry less 1. */
  index: number
  /** That of the checkpoint. */
  size: number
  /** In base64. */
  hashes: string[]
  /** The signed note. */
  checkpoint: string
}

/** That the log of a checkpoint continues what it was at an earlier size. `verifyConsistencyProof` judges it. */
export interface ConsistencyProof {
  from: number
  to: number
  hashes: string[]
  checkpoint: string
}

/** An entry with its proof; null where the signer refused after the entry was committed. */
export interface ProvenEntry extends AuditEntry {
  proof: InclusionProof | null
  /** Why there is none. */
  proof_error?: { code: ServiceErrorCode; detail: string } | undefined
}

/** Why details are erased. */
export interface ErasureGrounds {
  reason: string
  /** By what right, such as `GDPR Art. 17`. */
  legal_basis: string
}

/** What an erasure did, and the entry that says so. */
export interface Erasure {
  /** 0 where nothing was left to erase. */
  count: number
  audit: AuditEntry
}

/** Which details are old enough to be erased. */
export interface RetentionOrder extends ErasureGrounds {
  /** RFC 3339 with an offset: entries created before it. */
  before: string
  event_type?: string | undefined
}

/** What a run of retention did. */
export interface Retention extends Erasure {
  /** Entries that a legal hold kept. */
  skipped_held: number
  /** Whether there is more that is as old: then ask again. */
  more: boolean
}

/** On what details must be kept: all entries about a subject, future ones too, or a range of entries. */
export type HoldOrder =
  | { subject: string; reason: string }
  | { first_id: number; last_id: number; reason: string }

/** A legal hold. */
export interface Hold {
  id: number
  subject: string | null
  first_id: number | null
  last_id: number | null
  reason: string
  /** The entry that placed it. */
  audit_id: number
  created_at: string
  /** The entry that released it; null while it is in force. */
  released_by: number | null
  released_at: string | null
}
