import type { Database } from '@ai-governance/common/database/database'
import type { AuditEntry, AuditEvent } from '@ai-governance/common/formats/audit-entry'
import { cutPage } from '@ai-governance/common/requests/pages'

/** A position that an append function gave out, with the link it made. Hashes in hex. */
export interface AppendedLink {
  id: number
  created_at_us: number
  prev_hash: string
  entry_hash: string
  /** `replayed` and `conflict`: something was appended under this key before, the same or something else. */
  outcome: 'appended' | 'replayed' | 'conflict'
}

/** An event on its way to the log. */
export interface KeyedEvent extends AuditEvent {
  /** The Idempotency-Key that it came with. */
  key: string | null
}

export interface EventFilter {
  before?: number | undefined
  after?: number | undefined
  event_type?: string | undefined
  subject?: string | undefined
  actor?: string | undefined
  decision?: boolean | undefined
  /** Microseconds since the epoch, inclusive. */
  from?: number | undefined
  to?: number | undefined
}

type Row = Omit<AuditEntry, 'id' | 'created_at_us' | 'erased_by'> & {
  id: string
  created_at_us: string
  erased_by: string | null
}

type LinkRow = Record<Exclude<keyof AppendedLink, 'outcome'>, string> &
  Pick<AppendedLink, 'outcome'>

const LINK_COLUMNS = `id, created_at_us, encode(prev_hash, 'hex') AS prev_hash,
  encode(entry_hash, 'hex') AS entry_hash, outcome`

const COLUMNS = `id, event_type, subject, decision, details, encode(details_salt, 'hex') AS details_salt,
  encode(details_hash, 'hex') AS details_hash, actor, request_id,
  unix_microseconds(created_at) AS created_at_us, encode(prev_hash, 'hex') AS prev_hash,
  encode(entry_hash, 'hex') AS entry_hash, erased_by`

/** What the rows ahead of a row weigh. The size of a toasted value is known without reading it. */
function bytesBefore(order: 'id' | 'id DESC'): string {
  return `sum(coalesce(octet_length(details), 0) + 700)
    OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`
}

/** Every SQL statement of mcp-audit. */
export class AuditStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Appends events that have nothing to do with each other in one transaction, each under its own key;
   * `salts` in hex, one an event. Links in the order of the events.
   */
  async append(events: readonly KeyedEvent[], salts: readonly string[]): Promise<AppendedLink[]> {
    const rows = await this.#database.write<LinkRow>({
      name: 'audit_append',
      text: `SELECT ${LINK_COLUMNS}
               FROM audit_append($1::text[], $2::text[], $3::boolean[], $4::text[], $5::bytea[],
                                 $6::text[], $7::text[], $8::text[])`,
      values: [
        ...contentColumns(events, salts),
        events.map((event) => event.actor),
        events.map((event) => event.request_id),
        events.map((event) => event.key),
      ],
    })
    return rows.map(toLink)
  }

  /** Appends the events of one request, all or none, under one key. Links in the order of the events. */
  async appendBatch(
    events: readonly AuditEvent[],
    salts: readonly string[],
    key: string | null,
  ): Promise<AppendedLink[]> {
    const rows = await this.#database.write<LinkRow>({
      name: 'audit_append_batch',
      text: `SELECT ${LINK_COLUMNS}
               FROM audit_append_batch($1::text[], $2::text[], $3::boolean[], $4::text[], $5::bytea[],
                                       $6, $7, $8)`,
      values: [
        ...contentColumns(events, salts),
        events[0]?.actor ?? null,
        events[0]?.request_id ?? null,
        key,
      ],
    })
    return rows.map(toLink)
  }

  /** Forgets keys that are older than 7 days, some of them; 0 once none is left. */
  async pruneKeys(): Promise<number> {
    const rows = await this.#database.write<{ gone: string }>({
      text: 'SELECT audit_prune_keys() AS gone',
    })
    return Number(rows[0]?.gone)
  }

  /**
   * Newest first. Ends after `limit` entries or `maxBytes`, whichever comes first, but never
   * empty-handed. `more` tells whether entries that match lie behind the page.
   */
  async newest(
    filter: EventFilter,
    page: { limit: number; offset: number; maxBytes: number },
  ): Promise<{ entries: AuditEntry[]; more: boolean }> {
    const rows = await this.#database.read<Row & { found: string }>({
      // No name: planned for these values, so the tests of absent filters disappear from the plan.
      text: `SELECT ${COLUMNS}, found FROM (
               SELECT *, count(*) OVER () AS found, ${bytesBefore('id DESC')} AS bytes_before
                 FROM (SELECT * FROM audit_log
                        WHERE ($1::bigint IS NULL OR id < $1) AND ($2::bigint IS NULL OR id > $2)
                          AND ($3::text IS NULL OR event_type = $3) AND ($4::text IS NULL OR subject = $4)
                          AND ($5::text IS NULL OR actor = $5)
                          AND ($6::boolean IS NULL OR decision = $6)
                          AND ($7::bigint IS NULL OR id > (SELECT audit_last_id_before(
                                to_timestamp(0) + $7 * interval '1 microsecond')))
                          AND ($8::bigint IS NULL OR id <= (SELECT audit_last_id_before(
                                to_timestamp(0) + ($8 + 1) * interval '1 microsecond')))
                        ORDER BY id DESC LIMIT $9 OFFSET $10) AS page
             ) AS measured
             WHERE coalesce(bytes_before, 0) < $11 ORDER BY id DESC`,
      values: [
        filter.before ?? null,
        filter.after ?? null,
        filter.event_type ?? null,
        filter.subject ?? null,
        filter.actor ?? null,
        filter.decision ?? null,
        filter.from ?? null,
        filter.to ?? null,
        page.limit + 1,
        page.offset,
        page.maxBytes,
      ],
    })
    const { shown, more } = cutPage(rows, page.limit)
    return { entries: shown.map(toEntry), more }
  }

  /** Oldest first, ids `from` to `to` inclusive, cut like `newest`: for reading the log in steps. */
  async oldest(
    from: number,
    to: number,
    page: { limit: number; maxBytes: number },
  ): Promise<AuditEntry[]> {
    const rows = await this.#database.read<Row>({
      name: 'audit_oldest',
      text: `SELECT ${COLUMNS} FROM (
               SELECT *, ${bytesBefore('id')} AS bytes_before
                 FROM (SELECT * FROM audit_log WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3) AS page
             ) AS measured
             WHERE coalesce(bytes_before, 0) < $4 ORDER BY id`,
      values: [from, to, page.limit, page.maxBytes],
    })
    return rows.map(toEntry)
  }

  /** The position and the time of the last entry; 0 and null while there is none. */
  async head(): Promise<{ id: number; createdAtUs: number | null }> {
    const [row] = await this.#database.read<{ id: string; created_at_us: string }>({
      name: 'audit_head',
      text: `SELECT id, unix_microseconds(created_at) AS created_at_us
               FROM audit_log ORDER BY id DESC LIMIT 1`,
    })
    return { id: Number(row?.id ?? 0), createdAtUs: row ? Number(row.created_at_us) : null }
  }

  async entry(id: number): Promise<AuditEntry | null> {
    const rows = await this.#database.read<Row>({
      name: 'audit_entry',
      text: `SELECT ${COLUMNS} FROM audit_log WHERE id = $1`,
      values: [id],
    })
    return rows[0] ? toEntry(rows[0]) : null
  }

  /** How many entries name each of these as their eraser. */
  async erasedBy(ids: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.#database.read<{ erased_by: string; count: string }>({
      name: 'audit_erased_by',
      text: `SELECT erased_by, count(*) FROM audit_log WHERE erased_by = ANY ($1::bigint[]) GROUP BY erased_by`,
      values: [ids],
    })
    return new Map(rows.map((row) => [Number(row.erased_by), Number(row.count)]))
  }

  /** The last position of the log, 0 while it is empty. */
  async lastId(): Promise<number> {
    const rows = await this.#database.read<{ last_id: string }>({
      name: 'audit_last_id',
      text: 'SELECT coalesce(max(id), 0) AS last_id FROM audit_log',
    })
    return Number(rows[0]?.last_id)
  }
}

/** One array a column, for both append functions. */
function contentColumns(events: readonly AuditEvent[], salts: readonly string[]): unknown[][] {
  return [
    events.map((event) => event.event_type),
    events.map((event) => event.subject),
    events.map((event) => event.decision),
    events.map((event) => event.details),
    salts.map((salt) => `\\x${salt}`),
  ]
}

function toLink(row: LinkRow): AppendedLink {
  return {
    id: Number(row.id),
    created_at_us: Number(row.created_at_us),
    prev_hash: row.prev_hash,
    entry_hash: row.entry_hash,
    outcome: row.outcome,
  }
}

function toEntry(row: Row): AuditEntry {
  return {
    ...row,
    id: Number(row.id),
    created_at_us: Number(row.created_at_us),
    erased_by: row.erased_by === null ? null : Number(row.erased_by),
  }
}
