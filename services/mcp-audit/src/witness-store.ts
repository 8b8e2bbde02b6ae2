import type { Database } from '@ai-governance/common/database/database'
import type { TreeHead } from './signer/signed-note.ts'

/** How far back a checkpoint is looked for that all witnesses cosigned, in cosignatures of one of them. */
const LOOK_BACK = 1_000

/** The SQL statements about cosignatures. A witness is named by its verifier key. */
export class WitnessStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Keeps the line of a witness; where there is one of this size, that one stays. */
  async keep(head: TreeHead, origin: string, witness: string, line: string): Promise<void> {
    await this.#database.write({
      name: 'audit_store_cosignature',
      text: 'SELECT audit_store_cosignature($1, $2, $3, $4, $5)',
      values: [head.size, head.root, origin, witness, line],
    })
  }

  /** The largest size of the log that each witness has cosigned; those that have not are left out. */
  async newestSizes(origin: string, witnesses: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.#database.read<{ witness: string; size: string | null }>({
      name: 'audit_newest_cosigned',
      text: `SELECT w AS witness,
                    (SELECT max(size) FROM audit_cosignatures WHERE origin = $1 AND witness = w) AS size
               FROM unnest($2::text[]) AS w`,
      values: [origin, witnesses],
    })
    const known = rows.filter(({ size }) => size !== null)
    return new Map(known.map(({ witness, size }) => [witness, Number(size)]))
  }

  /** The lines of these witnesses on exactly this head, in their order. */
  async linesOn(head: TreeHead, origin: string, witnesses: readonly string[]): Promise<string[]> {
    const rows = await this.#database.read<{ line: string }>({
      name: 'audit_cosignatures_on',
      text: `SELECT line FROM unnest($1::text[]) WITH ORDINALITY AS w (witness, place)
               JOIN audit_cosignatures AS c USING (witness)
              WHERE c.origin = $2 AND c.size = $3 AND c.root = $4 ORDER BY place`,
      values: [witnesses, origin, head.size, head.root],
    })
    return rows.map(({ line }) => line)
  }

  /** The largest head that all these witnesses cosigned; null if there is none, or only long ago. */
  async newestOfAll(origin: string, witnesses: readonly string[]): Promise<TreeHead | null> {
    const rows = await this.#database.read<{ size: string; root: Buffer }>({
      name: 'audit_newest_witnessed',
      // Of the one that lags behind most: what all have cosigned is not newer than that.
      text: `WITH slowest AS (
               SELECT w.witness FROM unnest($2::text[]) AS w (witness)
                ORDER BY coalesce((SELECT max(c.size) FROM audit_cosignatures AS c
                                    WHERE c.origin = $1 AND c.witness = w.witness), -1) LIMIT 1),
             recent AS (
               SELECT c.size, c.root FROM audit_cosignatures AS c
                WHERE c.origin = $1 AND c.witness = (SELECT witness FROM slowest)
                ORDER BY c.size DESC LIMIT ${LOOK_BACK})
             SELECT size, root FROM recent AS r
              WHERE NOT EXISTS (
                SELECT FROM unnest($2::text[]) AS w (witness)
                 WHERE NOT EXISTS (SELECT FROM audit_cosignatures AS c
                                    WHERE c.origin = $1 AND c.witness = w.witness
                                      AND c.size = r.size AND c.root = r.root))
              ORDER BY size DESC LIMIT 1`,
      values: [origin, witnesses],
    })
    const [row] = rows
    return row ? { size: Number(row.size), root: row.root } : null
  }
}
