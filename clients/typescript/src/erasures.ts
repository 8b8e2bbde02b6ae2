import { type EntryLine, integer, readMembers } from './entry-line.ts'

/** Erased entries that name the same erasure, which is still to come. */
interface Claim {
  count: number
  lowest: number
  highest: number
}

/** What an erasure says of itself: which entries, both ends included, and how many of them it erased. */
interface Range {
  first: number
  last: number
  count: number
}

/** A fault, and the entry to name for it. */
export interface ErasureFault {
  id: number
  reason: string
}

export const UNACCOUNTED = 'details are missing and no erasure accounts for it'
/** Entries of these kinds record what the control plane itself did. In lower case alone, as in the database. */
const NEVER_ERASED = /^(?:lineage|policy|audit)\./
/** The type of the entries that account for erasures. */
export const ERASURE = 'audit.details_erased'
/** Erasures whose account is still to come: more than any log has, few enough for memory. */
const MAX_OPEN = 1_000_000

/** What keeps an erased entry from being one, whatever its erasure says; null if nothing does. */
export function erasedFault(entry: EntryLine): string | null {
  if (entry.details !== null || entry.details_salt !== null) {
    return 'an erased entry holds details or their salt'
  }
  if ((entry.erased_by ?? 0) <= entry.id) return UNACCOUNTED
  return NEVER_ERASED.test(entry.event_type) ? 'an entry of this type is never erased' : null
}

/**
 * Holds erased entries against the entries that account for them. An erasure is itself an entry,
 * `audit.details_erased`, later than what it erased, whose details name the range and how many
 * entries it newly erased; exactly so many must name it.
 */
export class Erasures {
  readonly #open = new Map<number, Claim>()
  /** Erasures whose range begins before the export. */
  #unchecked = 0
  /** Entries that name one of these, which counts more than name it: any of them may be one that it did not erase. */
  #amongOthers = 0
  /** Erased entries so far. */
  count = 0

  /** Looks at the next entry, right in itself. `firstId` is where the export starts. */
  next(entry: EntryLine, firstId: number): ErasureFault | null {
    const claim = this.#open.get(entry.id)
    this.#open.delete(entry.id)
    if (entry.event_type === ERASURE) {
      const fault = this.#account(entry, firstId, claim)
      if (fault) return fault
    } else if (claim) {
      return { id: claim.lowest, reason: UNACCOUNTED }
    }
    return entry.erased_by === null ? null : this.#take(entry.id, entry.erased_by)
  }

  /** Whether an erasure is awaited at one of these positions, both ends included. */
  concerns(firstId: number, lastId: number): boolean {
    // Whichever is shorter to look through.
    if (this.#open.size <= lastId - firstId) {
      for (const by of this.#open.keys()) if (by >= firstId && by <= lastId) return true
      return false
    }
    for (let id = firstId; id <= lastId; id++) if (this.#open.has(id)) return true
    return false
  }

  /** Erased entries of which this export does not show that an erasure took them. */
  get unaccounted(): number {
    return this.#amongOthers + this.#awaiting()
  }

  /** Erased entries whose erasure has not come. */
  #awaiting(): number {
    let entries = 0
    for (const { count } of this.#open.values()) entries += count
    return entries
  }

  /** What an export alone cannot show. */
  warnings(): string[] {
    const warnings: string[] = []
    if (this.#unchecked > 0) {
      warnings.push(
        `${this.#unchecked} erasures reach back before this export; whether they count right shows in an export from entry 1`,
      )
    }
    if (this.#open.size > 0) {
      let last = 0
      for (const by of this.#open.keys()) last = Math.max(last, by)
      warnings.push(
        `${this.#awaiting()} erased entries name erasures past the end of this export; whether they account for it shows in an export up to ${last}`,
      )
    }
    return warnings
  }

  #take(id: number, by: number): ErasureFault | null {
    const claim = this.#open.get(by)
    if (!claim && this.#open.size >= MAX_OPEN) {
      return { id, reason: `more than ${MAX_OPEN} erasures are open at once` }
    }
    const count = (claim?.count ?? 0) + 1
    this.#open.set(by, { count, lowest: claim?.lowest ?? id, highest: id })
    this.count++
    return null
  }

  #account(entry: EntryLine, firstId: number, claim: Claim | undefined): ErasureFault | null {
    const range = rangeOf(entry)
    if (!range) return { id: entry.id, reason: 'an erasure does not say what it erased' }
    if (claim && claim.lowest < range.first) return { id: claim.lowest, reason: UNACCOUNTED }
    if (claim && claim.highest > range.last) return { id: claim.highest, reason: UNACCOUNTED }
    const named = claim?.count ?? 0
    const isWhole = range.first >= firstId
    if (named > range.count || (isWhole && named < range.count)) {
      const reason = `the erasure counts ${range.count} entries, and ${named} name it`
      return { id: entry.id, reason }
    }
    if (!isWhole) this.#unchecked++
    if (named < range.count) this.#amongOthers += named
    return null
  }
}

/** What an erasure erased; null unless it says so, and all of it lies before the erasure itself. */
function rangeOf({ id, details }: EntryLine): Range | null {
  const read = details === null ? null : readMembers(details)
  if (!read || 'fault' in read) return null
  const first = integer(read.members.get('first_id'))
  const last = integer(read.members.get('last_id'))
  const counted = read.members.get('count')
  // An erasure that is repeated erases nothing.
  const count = counted === '0' ? 0 : integer(counted)
  if (first === null || last === null || count === null) return null
  return first <= last && last < id ? { first, last, count } : null
}
