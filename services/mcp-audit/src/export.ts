import { type AuditEntry, entryJson, FIRST_PREV_HASH } from '@ai-governance/common/audit-entry'
import { formatMicroseconds } from '@ai-governance/common/timestamps'
import type { AuditStore } from './audit-store.ts'

export type ExportFormat = 'json' | 'ndjson' | 'csv'

export const CONTENT_TYPES: Record<ExportFormat, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
}

// A slow reader holds a chunk or two: large enough that the round trip is small beside the rows, small
// enough for all the readers that MAX_EXPORTS lets in.
const CHUNK = { limit: 250, maxBytes: 131_072 }

/** Exports at once; a further one is refused as `overloaded`. */
export const MAX_EXPORTS = 200

/**
 * The entries `from` to `to` as text, a chunk at a time. Between chunks nothing is held in the database,
 * so a reader may be as slow as it likes; the log only grows, so the chunks agree with each other.
 *
 * Throws if an entry in the range is not there: a broken-off answer is visible, a short one is not.
 */
export async function* exportText(
  store: AuditStore,
  format: ExportFormat,
  from: number,
  to: number,
): AsyncGenerator<string> {
  const write = WRITERS[format]
  yield write.head
  let next = from
  let last: AuditEntry | null = null
  while (next <= to) {
    const entries = await store.oldest(next, to, CHUNK)
    let text = ''
    for (const entry of entries) {
      if (entry.id !== next) throw new Error(`entry ${next} is missing from the log`)
      text += write.entry(entry, last === null)
      last = entry
      next++
    }
    if (entries.length === 0) throw new Error(`entry ${next} is missing from the log`)
    yield text
  }
  yield write.tail(next - from, last === null ? null : from, last)
}

interface Writer {
  head: string
  entry: (entry: AuditEntry, isFirst: boolean) => string
  tail: (count: number, firstId: number | null, last: AuditEntry | null) => string
}

const CSV_COLUMNS = [
  'id',
  'created_at',
  'event_type',
  'subject',
  'decision',
  'actor',
  'request_id',
  'details',
  'details_salt',
  'details_hash',
  'prev_hash',
  'entry_hash',
] as const

const WRITERS: Record<ExportFormat, Writer> = {
  json: {
    head: '[',
    entry: (entry, isFirst) => (isFirst ? '\n' : ',\n') + entryJson(entry),
    tail: () => '\n]\n',
  },
  ndjson: {
    head: '',
    entry: (entry) => `${entryJson(entry)}\n`,
    tail: (count, firstId, last) =>
      `${JSON.stringify({
        trailer: true,
        count,
        first_id: firstId,
        last_id: last?.id ?? null,
        last_entry_hash: last?.entry_hash ?? FIRST_PREV_HASH,
        checkpoint: null,
        verifier_key: null,
      })}\n`,
  },
  csv: {
    head: `${CSV_COLUMNS.join(',')}\r\n`,
    entry: (entry) => `${CSV_COLUMNS.map((name) => csvCell(entry, name)).join(',')}\r\n`,
    tail: () => '',
  },
}

function csvCell(entry: AuditEntry, column: (typeof CSV_COLUMNS)[number]): string {
  const value = column === 'created_at' ? formatMicroseconds(entry.created_at_us) : entry[column]
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  // A spreadsheet takes a cell that starts like this for a formula, and runs it.
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
