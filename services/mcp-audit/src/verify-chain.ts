import { type Before, entryFault, FIRST_PREV_HASH } from '@ai-governance/common/audit-entry'
import { ApiError } from '@ai-governance/common/errors'
import type { Verdict } from './answers.ts'
import type { AuditStore } from './audit-store.ts'

export interface VerifyRequest {
  from_id: number
  /** Entries to verify at most in this step. */
  limit: number
}

const CHUNK = { limit: 2_000, maxBytes: 8 * 1_048_576 }

/** Recomputes every hash and link of the entries from `from_id` on, up to `limit` of them. */
export async function verifyChain(store: AuditStore, request: VerifyRequest): Promise<Verdict> {
  const lastId = await store.lastId()
  const to = Math.min(lastId, request.from_id + request.limit - 1)
  const fault = (id: number, reason: string): Verdict => ({
    ok: false,
    entries: Math.max(0, id - request.from_id),
    first_bad_id: id,
    reason,
    root: null,
    next_from_id: null,
  })

  // An "ok" for a place behind the end would be no finding, but would read like one.
  if (request.from_id > lastId + 1) {
    throw new ApiError('invalid_request', `the log ends at ${lastId}: there is nothing to verify`)
  }
  let prev: Before = { entry_hash: FIRST_PREV_HASH, created_at_us: -Infinity }
  if (request.from_id > 1 && request.from_id <= to) {
    const before = await store.entry(request.from_id - 1)
    if (!before) return fault(request.from_id - 1, 'the entry is missing')
    prev = before
  }
  let next = request.from_id
  while (next <= to) {
    const entries = await store.oldest(next, to, CHUNK)
    if (entries.length === 0) return fault(next, 'the entry is missing')
    for (const entry of entries) {
      if (entry.id !== next) return fault(next, 'the entry is missing')
      const reason = entryFault(entry, prev)
      if (reason) return fault(next, reason)
      prev = entry
      next++
    }
  }
  return {
    ok: true,
    entries: next - request.from_id,
    first_bad_id: null,
    reason: null,
    root: null,
    next_from_id: next <= lastId ? next : null,
  }
}
