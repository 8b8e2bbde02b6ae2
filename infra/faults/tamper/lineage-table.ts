import { breakIt, copyVictim, lineageInstance, type Victim } from './victim.ts'

/** One way to break the lineage; `GET /verify` of mcp-lineage must name this record. */
export interface LineageRow {
  name: string
  sql: string
  named: number
}

/** Each column of record 2, changed in itself. */
const COLUMNS = {
  id: 'id = 100',
  audit_id: 'audit_id = 1',
  revision: 'revision = 7',
  created_at: "created_at = created_at + interval '1 microsecond'",
  model_id: "model_id = 'other'",
  version: "version = 'other'",
  created_by: "created_by = 'other'",
  artifacts: "artifacts = ARRAY['sha256:other']",
  parents: `parents = '[{"dataset":"x"}]'`,
  metadata: `metadata = '{"n":9}'`,
  aibom: `aibom = '{"n":9}'`,
  'aibom, to none': 'aibom = NULL',
  record_hash: "record_hash = sha256('x')",
}
const rehashed = (by: string) =>
  `created_by = '${by}', record_hash = lineage_record_hash(model_id, version, '${by}', artifacts, parents, metadata, aibom)`

export const LINEAGE_ROWS: readonly LineageRow[] = [
  ...Object.entries(COLUMNS).map(([column, change]) => ({
    name: `${column} edited`,
    sql: `UPDATE model_lineage SET ${change} WHERE id = 2`,
    named: 2,
  })),
  {
    name: 'a record edited together with its hash',
    sql: `UPDATE model_lineage SET ${rehashed('eve')} WHERE id = 2`,
    named: 2,
  },
  {
    name: 'a record edited together with its hash and its entry',
    sql: `UPDATE model_lineage SET ${rehashed('eve')} WHERE id = 2;
      UPDATE audit_log AS a SET details = '{"record_hash":"' || encode(l.record_hash, 'hex') || '","revision":1}'
        FROM model_lineage AS l WHERE l.id = 2 AND a.id = l.audit_id`,
    named: 2,
  },
  { name: 'the first record deleted', sql: 'DELETE FROM model_lineage WHERE id = 1', named: 1 },
  { name: 'a record deleted', sql: 'DELETE FROM model_lineage WHERE id = 2', named: 2 },
  { name: 'the last record deleted', sql: 'DELETE FROM model_lineage WHERE id = 4', named: 4 },
  { name: 'TRUNCATE', sql: 'TRUNCATE model_lineage', named: 1 },
  {
    name: 'two records swapped',
    sql: `UPDATE model_lineage SET id = 100 WHERE id = 2; UPDATE model_lineage SET id = 2 WHERE id = 3;
      UPDATE model_lineage SET id = 3 WHERE id = 100`,
    named: 3,
  },
  {
    name: 'a record inserted',
    sql: `INSERT INTO model_lineage SELECT 5, 1, 1, created_at, 'm9', version, created_by, artifacts, parents, metadata,
        aibom, lineage_record_hash('m9', version, created_by, artifacts, parents, metadata, aibom)
        FROM model_lineage WHERE id = 4`,
    named: 5,
  },
  {
    name: 'the entry of a record deleted',
    sql: 'DELETE FROM audit_log WHERE id = (SELECT audit_id FROM model_lineage WHERE id = 2)',
    named: 2,
  },
  {
    name: 'a model missing in the list',
    sql: 'DELETE FROM lineage_latest WHERE record_id = 2',
    named: 2,
  },
  {
    name: 'another record in the list of models',
    sql: "UPDATE lineage_latest SET record_id = 1 WHERE model_id = 'm3'",
    named: 3,
  },
]

/** Breaks a copy of the victim and asks mcp-lineage. Returns what is other than the row says, in words. */
export async function runLineageRow(
  victim: Victim,
  row: LineageRow,
  name: string,
): Promise<string[]> {
  const copy = await copyVictim(victim, name)
  const lineage = lineageInstance(copy.lineageUrl)
  try {
    // A key that is taken shall not keep anybody from breaking things.
    await breakIt(
      copy,
      `ALTER TABLE model_lineage DROP CONSTRAINT model_lineage_audit_id_key;
       ALTER TABLE lineage_latest DROP CONSTRAINT lineage_latest_record_id_key`,
    )
    await breakIt(copy, row.sql)
    const { text } = await lineage.get('/verify')
    const { ok, first_bad_id, reason } = JSON.parse(text)
    return ok === false && first_bad_id === row.named
      ? []
      : [`GET /verify: ${first_bad_id} (${reason ?? text}) instead of ${row.named}`]
  } finally {
    await lineage.close()
    await copy.drop()
  }
}
