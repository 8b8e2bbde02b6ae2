import { type EntryLine, integer, readMembers } from './entry-line.ts'

/** What entries say of the entry that is to account for their erasure. */
interface Claim {
  count: number
  lowest: number
  highest: number
}

/** A fault, and the entry to name for it. */
export interface ErasureFault {
  id: number
  reason: string
}

/** Entries of these kinds record what the control plane itself did, and are never erased. */
const NEVER_ERASED = /^(?:lineage|policy|audit)\./i
const ERASURE = 'audit.details_erased'
const UNACCOUNTED = 'details are missing and no erasure accounts for it'
/** Erasures whose account is still to come: more than any log has, few enough for memory. */
const MAX_OPEN = 1_000_000

/**
 * Holds erased entries against the entries that account for them. An erasure is itself an entry,
 * `audit.details_erased`, later than what it erased, whose details name the range and how many
 * entries it newly erased; exactly so many must name it.
 */
export class Erasures {
  readonly #open = new Map<number, Claim>()
  readonly warnings: string[] = []
  /** Erased entries so far. */
  count = 0

  /** Looks at the next entry, all of whose hashes are right. `firstId` is where the export starts. */
  next(entry: EntryLine, firstId: number): ErasureFault | null {
    const fault = this.#account(entry, firstId)
    if (fault) return fault
    const isWhole = entry.details !== null && entry.details_salt !== null
    if (isWhole && entry.erased_by === null) return null
    const by = entry.erased_by
    const isErased = entry.details === null && entry.details_salt === null
    if (by === null || !isErased || by <= entry.id) return { id: entry.id, reason: UNACCOUNTED }
    if (NEVER_ERASED.test(entry.event_type)) {
      return { id: entry.id, reason: 'an entry of this type can never be erased' }
    }
    const claim = this.#open.get(by)
    if (!claim && this.#open.size >= MAX_OPEN) {
      return { id: entry.id, reason: `more than ${MAX_OPEN} erasures are open` }
    }
    this.#open.set(by, {
      count: (claim?.count ?? 0) + 1,
      lowest: claim?.lowest ?? entry.id,
      highest: entry.id,
    })
    this.count++
    return null
  }

  /** What is left at the end: erasures that lie past the end of a partial export are warnings. */
  finish(lastId: number | null): ErasureFault | null {
    for (const [by, claim] of this.#open) {
      if (lastId !== null && by <= lastId) return { id: claim.lowest, reason: UNACCOUNTED }
    }
    if (this.#open.size > 0) {
      const entries = [...this.#open.values()].reduce((sum, { count }) => sum + count, 0)
      this.warnings.push(
        `${entries} erased entries are accounted for by entries past the end of this export: not checked`,
      )
    }
    return null
  }

  #account(entry: EntryLine, firstId: number): ErasureFault | null {
    const claim = this.#open.get(entry.id)
    this.#open.delete(entry.id)
    if (entry.event_type !== ERASURE) {
      return claim ? { id: claim.lowest, reason: UNACCOUNTED } : null
    }
    const range = rangeOf(entry.details)
    if (!range) return { id: entry.id, reason: 'an erasure that does not say what it erased' }
    if (claim && (claim.lowest < range.first || claim.highest > range.last)) {
      const id = claim.lowest < range.first ? claim.lowest : claim.highest
      return { id, reason: UNACCOUNTED }
    }
    const named = claim?.count ?? 0
    const isWhole = range.first >= firstId
    if (named > range.count || (isWhole && named < range.count)) {
      const reason = `the erasure counts ${range.count} entries, and ${named} name it`
      return { id: entry.id, reason }
    }
    if (!isWhole) {
      this.warnings.push(
        `erasure ${entry.id} reaches before the start of this export: its count is not checked`,
      )
    }
    return null
  }
}

function rangeOf(details: string | null): { first: number; last: number; count: number } | null {
  const read = details === null ? null : readMembers(details)
  if (!read || 'fault' in read) return null
  const first = integer(read.members.get('first_id'))
  const last = integer(read.members.get('last_id'))
  const count = integer(read.members.get('count'))
  return first === null || last === null || count === null ? null : { first, last, count }
}
