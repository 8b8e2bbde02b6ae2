import type { Database } from '@ai-governance/common/database/database'

/** Entries as they stand in an export, and where they end. */
export interface ExportChunk {
  text: string
  count: number
  first_id: number
  last_id: number
  last_entry_hash: string
}

/**
 * The entry on the wire, byte for byte as `entryJson` writes it. Here because an export is limited by what one
 * thread of JavaScript makes of rows: as text out of PostgreSQL it is twice as fast.
 */
const LINE = `'{"id":' || id || ',"event_type":' || to_json(event_type)::text
  || ',"subject":' || to_json(subject)::text || ',"decision":' || CASE WHEN decision THEN 'true' ELSE 'false' END
  || ',"details":' || coalesce(details, 'null')
  || ',"details_salt":' || coalesce('"' || encode(details_salt, 'hex') || '"', 'null')
  || ',"details_hash":"' || encode(details_hash, 'hex') || '","actor":' || coalesce(to_json(actor)::text, 'null')
  || ',"request_id":' || coalesce(to_json(request_id)::text, 'null')
  || ',"created_at":"' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  || '","prev_hash":"' || encode(prev_hash, 'hex') || '","entry_hash":"' || encode(entry_hash, 'hex') || '"'
  || CASE WHEN erased_by IS NULL THEN '' ELSE ',"erased":true,"erased_by":' || erased_by END || '}'`

/** The SQL statement of exports. */
export class ExportStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * The entries with ids `from` to `to`, oldest first, as many as fit `maxBytes` but at least one; null if there is
   * none. `separator` stands between two.
   */
  async lines(
    from: number,
    to: number,
    separator: string,
    maxBytes: number,
  ): Promise<ExportChunk | null> {
    const rows = await this.#database.read<
      Record<'text' | 'last_entry_hash', string> & Record<'count' | 'first_id' | 'last_id', string>
    >({
      name: 'audit_export_lines',
      text: `SELECT string_agg(line, $3 ORDER BY id) AS text, count(*), min(id) AS first_id, max(id) AS last_id,
                    encode((array_agg(entry_hash ORDER BY id DESC))[1], 'hex') AS last_entry_hash
               FROM (SELECT id, entry_hash, ${LINE} AS line
                       FROM (SELECT *, sum(coalesce(octet_length(details), 0) + 700)
                                         OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
                               FROM audit_log WHERE id BETWEEN $1 AND $2) AS measured
                      WHERE coalesce(bytes_before, 0) < $4) AS chunk
             HAVING count(*) > 0`,
      values: [from, to, separator, maxBytes],
    })
    const [row] = rows
    if (!row) return null
    return {
      text: row.text,
      count: Number(row.count),
      first_id: Number(row.first_id),
      last_id: Number(row.last_id),
      last_entry_hash: row.last_entry_hash,
    }
  }
}
