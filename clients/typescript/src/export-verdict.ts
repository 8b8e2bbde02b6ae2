import type { Signature } from './evidence.ts'

/**
 * What an export is shown to be, in one word: everything fits and the pinned key signed it; something is wrong; right
 * as far as it goes; right in itself, but nobody said which key to trust; no export, or one that broke off.
 */
export type Result = 'verified' | 'not_verified' | 'in_part' | 'not_pinned' | 'unusable'

/** What an export is found to be. Ids and counts are null where the export does not get so far. */
export interface ExportVerdict {
  /** Nothing is wrong: `result` is verified, in_part or not_pinned. */
  ok: boolean
  result: Result
  /** Entries found right, from the first on. */
  entries: number
  /** The first entry that is wrong or missing; null if none is, or if none can be named. */
  first_bad_id: number | null
  /** What is wrong, in words; null if nothing is. */
  reason: string | null
  /** The line, from 1, at which it is wrong. */
  line: number | null
  /** The first and the last entry that were found right. */
  first_id: number | null
  last_id: number | null
  last_entry_hash: string | null
  /** `prev_hash` of the first entry. Behind entry 1 somebody must vouch for it; see `warnings`. */
  first_prev_hash: string | null
  /** Entries whose details were erased. */
  erased: number
  /** Of how many of them this export does not show that an erasure took them. */
  unaccounted: number
  /** What this export alone cannot show, in words; none where something is wrong. */
  warnings: string[]
  /** Whether the trailer was reached: false for an export that broke off, and where an entry is wrong. */
  complete: boolean
  /** The checkpoint of the trailer and the key that signed it, as texts: keep the first for the next time. */
  checkpoint: string | null
  verifier_key: string | null
  /** Origin and size of that checkpoint. */
  origin: string | null
  size: number | null
  /** Root of the Merkle tree over the entries, in hex; null where they start behind entry 1. */
  root: string | null
  signature: Signature
  /** How many earlier checkpoints could not be judged by this export. */
  unjudged: number
  /** Names of the required witnesses who cosigned. */
  witnesses: string[]
}
