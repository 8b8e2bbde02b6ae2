import { ApiError } from '@ai-governance/common/errors'
import {
  type AuditEntry,
  type Before,
  entryFault,
  FIRST_PREV_HASH,
} from '@ai-governance/common/formats/audit-entry'
import type { Verdict } from './answers.ts'
import type { AuditStore } from './audit-store.ts'
import type { TreeHead } from './signer/signed-note.ts'
import type { TreeReader } from './tree-store.ts'
import { ErasureCheck } from './verify-erasures.ts'
import type { Fault } from './verify-fault.ts'
import { SubtreeCheck, signedFault, wholeTree } from './verify-tree.ts'

export interface VerifyRequest {
  from_id: number
  /** Entries to verify at most in this step. */
  limit: number
}

const CHUNK = { limit: 2_000, maxBytes: 8 * 1_048_576 }

/**
 * Recomputes every hash and link of the entries from `from_id` on, up to `limit` of them, with the erasures
 * and stored subtrees among them. A step that reaches the end also holds the whole tree against `signed`,
 * what the signer signed last, if anything.
 */
export async function verifyChain(
  store: AuditStore,
  trees: TreeReader,
  request: VerifyRequest,
  signed: TreeHead | null,
): Promise<Verdict> {
  const lastId = await store.lastId()
  const to = Math.min(lastId, request.from_id + request.limit - 1)
  const verdictOf = ({ id, reason }: Fault): Verdict => ({
    ok: false,
    entries: Math.max(0, Math.min(id, to + 1) - request.from_id),
    first_bad_id: id,
    reason,
    root: null,
    next_from_id: null,
  })
  if (signed && lastId < signed.size) {
    // Entries that are there may be wrong too, and are looked at first.
    const fault = await entriesFault(store, trees, request.from_id, to)
    return verdictOf(fault ?? { id: lastId + 1, reason: 'the entry is missing, and it was signed' })
  }
  // An "ok" for a place behind the end would be no finding, but would read like one.
  if (request.from_id > lastId + 1) {
    throw new ApiError('invalid_request', `the log ends at ${lastId}: there is nothing to verify`)
  }
  const fault = await entriesFault(store, trees, request.from_id, to)
  if (fault) return verdictOf(fault)
  let root: string | null = null
  if (to === lastId) {
    const tree = await wholeTree(trees, lastId)
    const wrong = 'reason' in tree ? tree : await signedFault(tree, trees, signed)
    if (wrong) return verdictOf(wrong)
    if (!('reason' in tree)) root = tree.hashOf([0, lastId]).toString('hex')
  }
  return {
    ok: true,
    entries: to + 1 - request.from_id,
    first_bad_id: null,
    reason: null,
    root,
    next_from_id: to < lastId ? to + 1 : null,
  }
}

/** The first fault of the entries `from` to `to`, with their erasures and subtrees. */
async function entriesFault(
  store: AuditStore,
  trees: TreeReader,
  from: number,
  to: number,
): Promise<Fault | null> {
  let prev: Before = { entry_hash: FIRST_PREV_HASH, created_at_us: -Infinity }
  if (from > 1 && from <= to) {
    const before = await store.entry(from - 1)
    if (!before) return { id: from - 1, reason: 'the entry is missing' }
    prev = before
  }
  const erasures = new ErasureCheck(store)
  const subtrees = await SubtreeCheck.from(trees, from)
  let next = from
  while (next <= to) {
    const entries = await store.oldest(next, to, CHUNK)
    const found = chainFault(entries, next, prev)
    const right = found ? entries.slice(0, found.id - next) : entries
    // In the order in which they show: an erasure or a subtree is judged by entries that are right.
    const first = earliest(await erasures.fault(right), await subtrees.fault(right))
    if (first ?? found) return earliest(first, found)
    prev = entries.at(-1) as AuditEntry
    next += entries.length
  }
  return null
}

function chainFault(entries: readonly AuditEntry[], first: number, before: Before): Fault | null {
  let [next, prev] = [first, before]
  for (const entry of entries) {
    if (entry.id !== next) break
    const reason = entryFault(entry, prev)
    if (reason) return { id: next, reason }
    prev = entry
    next++
  }
  return next === first + entries.length && entries.length > 0
    ? null
    : { id: next, reason: 'the entry is missing' }
}

function earliest(one: Fault | null, other: Fault | null): Fault | null {
  if (!one || !other) return one ?? other
  return other.id < one.id ? other : one
}
