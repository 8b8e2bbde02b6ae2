import type { Database } from '@ai-governance/common/database/database'
import type { AuditEntry } from '@ai-governance/common/formats/audit-entry'
import { cutPage } from '@ai-governance/common/requests/pages'
import type { LineageRecord, StoredRegistration } from './record.ts'

/** A record beside the entry that should attest it; the entry's part is null where there is none. */
export interface AttestedRecord {
  record: LineageRecord
  entry: Omit<AuditEntry, 'id' | 'erased_by'> | null
  /** Whether the list of models names this record, or a later one of its model. */
  listed: boolean
}

/** What became of a registration. The position is that of the record that is there, or zeros where nothing is. */
export interface RegisteredRow
  extends Pick<
    LineageRecord,
    'id' | 'revision' | 'created_at_us' | 'record_hash' | 'audit_id' | 'audit_entry_hash'
  > {
  /** The hash ahead of the entry, where the entry is new. */
  audit_prev_hash: string | null
  /**
   * `replayed` and `key_conflict`: something was registered before under this key, the same or something else;
   * `artifacts_conflict`: the version is known with other artifacts.
   */
  outcome: 'registered' | 'replayed' | 'key_conflict' | 'artifacts_conflict'
}

type RegisteredColumns = Omit<RegisteredRow, 'id' | 'created_at_us' | 'audit_id'> &
  Record<'id' | 'created_at_us' | 'audit_id', string>

type Row = Omit<LineageRecord, 'id' | 'created_at_us' | 'audit_id'> & {
  id: string
  created_at_us: string
  audit_id: string
}

const COLUMNS = `l.id, l.model_id, l.version, l.revision, l.artifacts, l.created_by, l.metadata, l.aibom,
  l.parents, unix_microseconds(l.created_at) AS created_at_us, encode(l.record_hash, 'hex') AS record_hash,
  l.audit_id, encode(a.entry_hash, 'hex') AS audit_entry_hash`

/** One probe for each record. Joined without a limit, the planner would sooner read the whole log. */
const WITH_ENTRY =
  'LEFT JOIN LATERAL (SELECT * FROM lineage_entries AS e WHERE e.id = l.audit_id LIMIT 1) AS a ON true'

/** What the rows ahead of a row weigh. The size of a toasted value is known without reading it. */
function bytesBefore(order: 'id' | 'id DESC'): string {
  return `sum(coalesce(octet_length(aibom), 0) + octet_length(metadata) + octet_length(parents) + 700)
    OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`
}

export interface Page {
  limit: number
  /** Records older than this id only. */
  before?: number | undefined
  maxBytes: number
}

/** Every SQL statement of mcp-lineage. */
export class LineageStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Registers revisions and their log entries in one transaction, each as if it came alone; what became of each, in their
   * order. A batch with two of one actor and key fails as a whole. Throws what `Database.write` throws.
   */
  async register(batch: readonly StoredRegistration[]): Promise<RegisteredRow[]> {
    const rows = await this.#database.write<RegisteredColumns>({
      name: 'lineage_register',
      text: `SELECT id, revision, created_at_us, encode(record_hash, 'hex') AS record_hash, audit_id,
                    encode(audit_prev_hash, 'hex') AS audit_prev_hash,
                    encode(audit_entry_hash, 'hex') AS audit_entry_hash, outcome
               FROM lineage_register($1)`,
      values: [JSON.stringify(batch.map((item) => ({ ...item, salt: `\\x${item.salt}` })))],
    })
    if (rows.length !== batch.length) {
      throw new Error('lineage_register answered with fewer rows than it was given registrations')
    }
    return rows.map((row) => ({
      ...row,
      id: Number(row.id),
      created_at_us: Number(row.created_at_us),
      audit_id: Number(row.audit_id),
    }))
  }

  /** Revisions of a model, newest first; `version` and `at` (what was known then, µs) narrow it down. */
  async revisions(
    model: { model_id: string; version?: string | undefined; at?: number | undefined },
    page: Page,
  ): Promise<{ records: LineageRecord[]; more: boolean }> {
    const bound = `(SELECT least($1::bigint, 9223372036854775807,
                                 lineage_last_id_at(to_timestamp(0) + $5 * interval '1 microsecond') + 1))`
    // Each orders by what one index alone gives. By id alone, a model that the planner knows as frequent was looked for in
    // all records, newest first, however old its own are.
    const text =
      model.version === undefined
        ? `SELECT * FROM model_lineage WHERE model_id >= $4 AND (model_id, id) < ($4, ${bound})
            ORDER BY model_id DESC, id DESC LIMIT $2`
        : `SELECT * FROM model_lineage
            WHERE (model_id, version) >= ($4, $6) AND (model_id, version, revision) <= ($4, $6, 2147483647)
              AND id < ${bound}
            ORDER BY model_id DESC, version DESC, revision DESC LIMIT $2`
    const values = [model.model_id, model.at ?? null]
    return this.#page({
      text,
      page,
      values: model.version === undefined ? values : [...values, model.version],
    })
  }

  /** The latest record of each model, newest first. */
  async models(page: Page): Promise<{ records: LineageRecord[]; more: boolean }> {
    return this.#page({
      text: `SELECT l.*
               FROM (SELECT * FROM lineage_latest WHERE $1::bigint IS NULL OR record_id < $1
                      ORDER BY record_id DESC LIMIT $2) AS t
               JOIN LATERAL (SELECT * FROM model_lineage AS m WHERE m.id = t.record_id LIMIT 1) AS l
                 ON l.model_id = t.model_id`,
      page,
      values: [],
    })
  }

  /** Records with their entries, oldest first, from id `from` on. */
  async attested(
    from: number,
    step: { limit: number; maxBytes: number },
  ): Promise<AttestedRecord[]> {
    const rows = await this.#database.read<Row & Pick<AttestedRecord, 'entry' | 'listed'>>({
      name: 'lineage_attested',
      text: `SELECT ${COLUMNS},
                    CASE WHEN a.id IS NOT NULL THEN json_build_object(
                      'event_type', a.event_type, 'subject', a.subject, 'decision', a.decision,
                      'details', a.details, 'details_salt', encode(a.details_salt, 'hex'),
                      'details_hash', encode(a.details_hash, 'hex'), 'actor', a.actor,
                      'request_id', a.request_id, 'created_at_us', unix_microseconds(a.created_at),
                      'prev_hash', encode(a.prev_hash, 'hex'), 'entry_hash', encode(a.entry_hash, 'hex')
                    ) END AS entry,
                    coalesce((SELECT m.model_id = l.model_id FROM model_lineage AS m
                               WHERE m.id = (SELECT t.record_id FROM lineage_latest AS t
                                              WHERE t.model_id = l.model_id AND t.record_id >= l.id)), false) AS listed
               FROM (
                 SELECT *, ${bytesBefore('id')} AS bytes_before
                   FROM (SELECT * FROM model_lineage WHERE id >= $1 ORDER BY id LIMIT $2) AS page
               ) AS l ${WITH_ENTRY}
              WHERE coalesce(l.bytes_before, 0) < $3 ORDER BY l.id`,
      values: [from, step.limit, step.maxBytes],
    })
    return rows.map(({ entry, listed, ...row }) => ({ record: toRecord(row), entry, listed }))
  }

  /**
   * The id of the first entry behind `after`, and before `before` where that is given, that attests a
   * record which is not there; null if there is none.
   */
  async firstOrphanedEntry(after: number, before: number | null): Promise<number | null> {
    const rows = await this.#database.read<{ id: string }>({
      text: `SELECT a.id FROM lineage_entries AS a
              WHERE a.id > $1 AND ($2::bigint IS NULL OR a.id < $2)
                AND NOT EXISTS (SELECT FROM model_lineage AS l WHERE l.audit_id = a.id AND l.audit_id > $1)
              ORDER BY a.id LIMIT 1`,
      values: [after, before],
    })
    return rows[0] ? Number(rows[0].id) : null
  }

  /** The position of the entry that attests a record; 0 for the id before the first, null for an unknown one. */
  async entryIdOf(recordId: number): Promise<number | null> {
    if (recordId === 0) return 0
    const rows = await this.#database.read<{ audit_id: string }>({
      text: 'SELECT audit_id FROM model_lineage WHERE id = $1',
      values: [recordId],
    })
    return rows[0] ? Number(rows[0].audit_id) : null
  }

  /** The id of the last record, 0 while there is none. */
  async lastId(): Promise<number> {
    const rows = await this.#database.read<{ last_id: string }>({
      text: 'SELECT coalesce(max(id), 0) AS last_id FROM model_lineage',
    })
    return Number(rows[0]?.last_id)
  }

  /** `text` selects records by `$1` (before) and `$2` (how many), and its own values from `$4` on. */
  async #page(query: { text: string; page: Page; values: unknown[] }) {
    const rows = await this.#database.read<Row & { found: string }>({
      text: `SELECT ${COLUMNS}, l.found FROM (
               SELECT *, count(*) OVER () AS found, ${bytesBefore('id DESC')} AS bytes_before
                 FROM (${query.text}) AS page
             ) AS l ${WITH_ENTRY}
             WHERE coalesce(l.bytes_before, 0) < $3 ORDER BY l.id DESC`,
      values: [
        query.page.before ?? null,
        query.page.limit + 1,
        query.page.maxBytes,
        ...query.values,
      ],
    })
    const { shown, more } = cutPage(rows, query.page.limit)
    return { records: shown.map(toRecord), more }
  }
}

function toRecord(row: Row): LineageRecord {
  return {
    ...row,
    id: Number(row.id),
    created_at_us: Number(row.created_at_us),
    audit_id: Number(row.audit_id),
  }
}
