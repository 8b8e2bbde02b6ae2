import type { JsonObject } from './json.ts'

/** What a model version was made from. */
export type Parent = { model_id: string; version: string } | { dataset: string }

export interface Registration {
  /** 1–200 characters. */
  model_id: string
  /** 1–100 characters. */
  version: string
  /** 1–200 characters. Stays for ever: a pseudonym, never personal data. */
  created_by: string
  /** Digests, in order; fixed with the first registration of a version. */
  artifacts?: string[] | undefined
  parents?: Parent[] | undefined
  metadata?: JsonObject | undefined
  aibom?: JsonObject | null | undefined
}

/** The log entry that attests a record. */
export interface AuditReference {
  id: number
  entry_hash: string
}

/** One revision of a model version. */
export interface LineageRecord {
  id: number
  model_id: string
  version: string
  revision: number
  artifacts: string[]
  created_by: string
  metadata: JsonObject
  aibom: JsonObject | null
  parents: Parent[]
  /** RFC 3339 in UTC with six decimals: keep it as text, `Date` drops three of them. */
  created_at: string
  record_hash: string
  audit: AuditReference
}

export interface PageQuery {
  /** Records a page: 1–1000, by default 100. */
  limit?: number | undefined
  /** Ids below this one. */
  before?: number | undefined
}

export interface RevisionsQuery extends PageQuery {
  version?: string | undefined
  /** What was known at that moment: RFC 3339 with an offset. */
  at?: string | undefined
}

/** What a step of the service's own verification of the lineage found. */
export interface LineageVerdict {
  ok: boolean
  /** Records that this step found right. */
  records: number
  first_bad_id: number | null
  reason: string | null
  /** Where the next step starts; null when this one reached the end or a fault. */
  next_from_id: number | null
}
