import type { AuditEntry } from '@ai-governance/common/formats/audit-entry'
import { z } from 'zod'
import type { AuditStore } from './audit-store.ts'
import type { Fault } from './verify-fault.ts'

const ERASURE = 'audit.details_erased'
const position = z.int().min(1)
const Range = z.looseObject({ first_id: position, last_id: position, count: z.int().min(0) })

/** Holds erased entries and the entries that account for them against each other (docs/FORMATS.md). */
export class ErasureCheck {
  readonly #store: AuditStore
  /** Erasers that were read, with the range that each covers, or null where it accounts for nothing. */
  readonly #ranges = new Map<number, { first_id: number; last_id: number } | null>()

  constructor(store: AuditStore) {
    this.#store = store
  }

  /** The first fault among these entries, which are right in themselves. */
  async fault(entries: readonly AuditEntry[]): Promise<Fault | null> {
    const erasers = entries.filter(({ event_type }) => event_type === ERASURE)
    const counts = erasers.length ? await this.#store.erasedBy(erasers.map(({ id }) => id)) : null
    for (const entry of entries) {
      const reason =
        entry.erased_by !== null
          ? await this.#unaccounted(entry.id, entry.erased_by)
          : entry.event_type === ERASURE
            ? eraserFault(entry, counts?.get(entry.id) ?? 0)
            : null
      if (reason) return { id: entry.id, reason }
    }
    return null
  }

  async #unaccounted(id: number, by: number): Promise<string | null> {
    if (!this.#ranges.has(by)) {
      const eraser = await this.#store.entry(by)
      this.#ranges.set(by, eraser && rangeOf(eraser))
    }
    const range = this.#ranges.get(by)
    const isCovered = range && range.first_id <= id && id <= range.last_id
    return isCovered ? null : 'details are missing and no erasure accounts for it'
  }
}

function eraserFault(eraser: AuditEntry, named: number): string | null {
  const range = rangeOf(eraser)
  if (!range) return 'an erasure does not say what it erased'
  return range.count === named
    ? null
    : `the erasure counts ${range.count} entries, and ${named} name it`
}

function rangeOf({ id, event_type, details }: AuditEntry) {
  if (event_type !== ERASURE || details === null) return null
  const range = Range.safeParse(JSON.parse(details))
  if (!range.success) return null
  const { first_id, last_id } = range.data
  return first_id <= last_id && last_id < id ? range.data : null
}
