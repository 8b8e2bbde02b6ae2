import { detailsHash, entryHash } from './entry-hash.ts'
import type { EntryLine } from './entry-line.ts'
import { erasedFault, UNACCOUNTED } from './erasures.ts'
import { isCanonicalJson } from './json-text.ts'

export const ZEROS = '00'.repeat(32)
/** The reason where a position has no entry. */
export const MISSING = 'the entry is missing'
const UNLINKED = 'prev_hash is not the entry_hash of the entry before'

/** What the next entry is held against. */
export type EntryLink = Pick<EntryLine, 'id' | 'entry_hash' | 'created_at'>

/**
 * What is wrong with an entry in itself and behind the one before, and which entry to name for it; null if nothing
 * is. `before` is null for the first entry of an export or of a piece of one, which may have any position.
 */
export function entryFault(
  entry: EntryLine,
  before: EntryLink | null,
): { id: number; reason: string } | null {
  const { id } = entry
  const link = before ? linkFault(entry, before) : startFault(entry)
  if (link) return link
  const reason = entry.erased_by === null ? detailsFault(entry) : erasedFault(entry)
  if (reason !== null) return { id, reason }
  return entryHash(entry) === entry.entry_hash
    ? null
    : { id, reason: 'entry_hash does not match the content' }
}

/** The first entry of the log has nothing before it, and no other has. */
function startFault({ id, prev_hash }: EntryLine): { id: number; reason: string } | null {
  if (id > 1 && prev_hash === ZEROS) return { id: 1, reason: MISSING }
  return id === 1 && prev_hash !== ZEROS ? { id, reason: UNLINKED } : null
}

/** What keeps an entry from standing behind the one before. */
export function linkFault(
  { id, prev_hash, created_at }: Omit<EntryLink, 'entry_hash'> & { prev_hash: string },
  before: EntryLink,
): { id: number; reason: string } | null {
  if (id !== before.id + 1) return { id: before.id + 1, reason: MISSING }
  if (prev_hash !== before.entry_hash) return { id, reason: UNLINKED }
  if (created_at >= before.created_at) return null
  return { id, reason: 'created_at is earlier than that of the entry before' }
}

/** What of the details of an entry that was not erased does not agree with their hash; null if all does. */
export function detailsFault(entry: EntryLine): string | null {
  const { details, details_salt, details_hash } = entry
  if (details === null || details_salt === null) return UNACCOUNTED
  if (!entry.isCanonical && !isCanonicalJson(details)) return 'details are not canonical JSON'
  return detailsHash(details_salt, details) === details_hash
    ? null
    : 'details do not match details_hash'
}
