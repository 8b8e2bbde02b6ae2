import { type AuditEntry, FIRST_PREV_HASH } from '@ai-governance/common/formats/audit-entry'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import type { AuditStore } from './audit-store.ts'
import type { ExportChunk, ExportStore } from './export-store.ts'
import type { Attestation } from './signer/attestation.ts'
import type { Turns } from './turns.ts'

export type ExportFormat = 'json' | 'ndjson' | 'csv'

export const CONTENT_TYPES: Record<ExportFormat, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
}

/** Exports at once; a further one is refused as `overloaded`. */
export const MAX_EXPORTS = 64

// A slow reader holds a chunk or two: large enough that the round trip is small beside the rows, small
// enough for all the readers that MAX_EXPORTS lets in.
const CHUNK = { ids: 250, maxBytes: 131_072 }
/** Chunks under way at once for one export: PostgreSQL makes one while the other is sent, unless entries are large. */
const AHEAD = { few: 1, usual: 2, largeText: 262_144 }

export interface ExportSource {
  entries: AuditStore
  lines: ExportStore
  /** Of chunks, so that no number of exports takes all connections. */
  turns: Turns
}

/** What to export, and who vouches for its last entry (null where there is none). */
export interface ExportPlan {
  format: ExportFormat
  from: number
  to: number
  attest: (lastId: number | null) => Promise<Attestation>
}

/**
 * The entries `from` to `to` as text, a chunk at a time. Between chunks nothing is held in the database,
 * so a reader may be as slow as it likes; the log only grows, so the chunks agree with each other.
 *
 * What the database no longer has is left out and does not end the export: whoever verifies it then learns
 * which entry is missing, which a broken-off answer would not tell.
 */
export async function* exportText(
  source: ExportSource,
  { format, from, to, attest }: ExportPlan,
): AsyncGenerator<string> {
  const { head, between, tail, read } = FORMATS[format]
  yield head
  let count = 0
  let firstId: number | null = null
  let last: ExportChunk | null = null
  for await (const chunk of chunks(
    (first, end) => source.turns.run(() => read(source, first, end)),
    from,
    to,
  )) {
    yield last === null ? chunk.text : between + chunk.text
    count += chunk.count
    firstId ??= chunk.first_id
    last = chunk
  }
  yield tail(last !== null, {
    trailer: true,
    count,
    first_id: firstId,
    last_id: last?.last_id ?? null,
    last_entry_hash: last?.last_entry_hash ?? FIRST_PREV_HASH,
    ...(await attest(last?.last_id ?? null)),
  })
}

type Read = (from: number, to: number) => Promise<ExportChunk | null>

/** The chunks of a range in order, some of them read ahead. */
async function* chunks(read: Read, from: number, to: number): AsyncGenerator<ExportChunk> {
  const ahead: { end: number; chunk: Promise<ExportChunk | null> }[] = []
  let next = from
  let most = AHEAD.usual
  while (next <= to || ahead.length > 0) {
    while (next <= to && ahead.length < most) {
      const end = Math.min(to, next + CHUNK.ids - 1)
      const chunk = read(next, end)
      // An error is met when its turn comes; until then, or if the reader leaves before, nobody listens.
      chunk.catch(() => {})
      ahead.push({ end, chunk })
      next = end + 1
    }
    const { end, chunk } = ahead.shift() as (typeof ahead)[number]
    for (let part = await chunk; part; ) {
      most = part.text.length > AHEAD.largeText ? AHEAD.few : AHEAD.usual
      yield part
      part = part.last_id < end ? await read(part.last_id + 1, end) : null
    }
  }
}

interface Format {
  head: string
  /** Between two chunks. */
  between: string
  tail: (hasEntries: boolean, trailer: object) => string
  read: (source: ExportSource, from: number, to: number) => Promise<ExportChunk | null>
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
  'erased_by',
] as const

const FORMATS: Record<ExportFormat, Format> = {
  json: {
    head: '[\n',
    between: ',\n',
    tail: (hasEntries) => (hasEntries ? '\n]\n' : ']\n'),
    read: ({ lines }, from, to) => lines.lines(from, to, ',\n', CHUNK.maxBytes),
  },
  ndjson: {
    head: '',
    between: '\n',
    tail: (hasEntries, trailer) => `${hasEntries ? '\n' : ''}${JSON.stringify(trailer)}\n`,
    read: ({ lines }, from, to) => lines.lines(from, to, '\n', CHUNK.maxBytes),
  },
  csv: {
    head: CSV_COLUMNS.join(','),
    between: '',
    tail: () => '\r\n',
    read: readCsv,
  },
}

/** For people: nobody waits for it, so its cells are made here, where the rule of formulas is tested. */
async function readCsv({ entries }: ExportSource, from: number, to: number) {
  const rows = await entries.oldest(from, to, { limit: CHUNK.ids, maxBytes: CHUNK.maxBytes })
  const [first, last] = [rows[0], rows.at(-1)]
  if (!first || !last) return null
  return {
    text: rows
      .map((row) => `\r\n${CSV_COLUMNS.map((name) => csvCell(row, name)).join(',')}`)
      .join(''),
    count: rows.length,
    first_id: first.id,
    last_id: last.id,
    last_entry_hash: last.entry_hash,
  }
}

function csvCell(entry: AuditEntry, column: (typeof CSV_COLUMNS)[number]): string {
  const value = column === 'created_at' ? formatMicroseconds(entry.created_at_us) : entry[column]
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  // A spreadsheet takes a cell that starts like this for a formula, and runs it.
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
