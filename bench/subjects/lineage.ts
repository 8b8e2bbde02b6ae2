import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { openLoop } from '../load/load.ts'
import { pgbench } from '../load/pgbench.ts'
import { requestText } from '../load/request-text.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { asOwner, type Ground } from './ground.ts'
import { modelId, REGISTRATION } from './registrations.ts'

/** Revisions of a model: what one page of its lineage shows. */
const REVISIONS = 10
/** So many models, spread over all, are asked for: by the service's callers in turn, by pgbench at random. */
const ASKED = 1_000
const FILL_STEP = 2_000
/** Requests a second of the load that does not wait: few enough that none waits for another. */
const CALM = 200

/**
 * Reads of a model's lineage with many records (`--records`), at the service: as many a second as 64 callers get, beside
 * pgbench that reads the same rows by the same index; and within how many ms 99 % are answered at 200 a second, whether
 * those before were answered or not.
 */
export async function benchLineage(ground: Ground): Promise<Figure[]> {
  const { stack, database, records, rounds, load, say } = ground
  const models = Math.ceil(records / REVISIONS)
  await asOwner(database, (owner) => fillLineage(owner, models * REVISIONS, say))
  const floor = `SELECT of the same rows by pgbench, 64 clients`
  const subject = `GET /lineage with ${(models * REVISIONS).toLocaleString('en')} records`
  const program = ground.program('pgbench', floor)
  const select = selectScript(ground.folder, models)
  const calls = Array.from({ length: ASKED }, (_, i) => ({
    url: `${stack.lineage.url}/lineage/${modelId(askedModel(i, models))}`,
  }))
  const { seconds } = rounds
  const rates = await interleave(
    'lineage',
    {
      ...(program && { [floor]: () => pgbench(program, database, select, seconds) }),
      [subject]: async () => (await load(calls, { connections: 64, seconds })).rate,
    },
    rounds.count,
    say,
  )
  const times: number[] = []
  for (let round = 0; round <= rounds.count; round++) {
    say(`lineage, round ${round} of ${rounds.count}: ${CALM} a second`)
    const { port } = requestText(calls[0]!)
    const requests = calls.map((call) => requestText(call).text)
    const shown = await openLoop({ port, requests, rate: CALM, seconds, connections: 64 })
    if (shown.answers['200'] !== shown.due) throw new Error(JSON.stringify(shown.answers))
    if (round > 0) times.push(shown.p99)
  }
  const read = rates[subject]!
  return [
    ...Object.entries(rates).map(
      ([name, values]): Figure => ({
        ...{ name, what: 'rate', unit: '/s', values },
        ratios: name === subject ? ratioTo('SELECT', read, rates[floor]) : [],
      }),
    ),
    { name: subject, what: `99 % within, at ${CALM} a second`, unit: 'ms', values: times },
  ]
}

/** Registers in SQL, revision after revision of all models, as the service would; some 30 µs each. */
async function fillLineage(
  owner: Client,
  records: number,
  say: (line: string) => void,
): Promise<void> {
  const models = records / REVISIONS
  const { created_by, artifacts, parents, metadata } = REGISTRATION
  const record = [created_by, artifacts, JSON.stringify(parents), JSON.stringify(metadata)]
  for (let at = 0; at < records; at += FILL_STEP) {
    if (at % 100_000 === 0) say(`lineage: filling to ${records.toLocaleString('en')}, now ${at}`)
    const last = Math.min(records, at + FILL_STEP)
    await owner.query('BEGIN')
    await owner.query(
      `SELECT count(*) FROM (SELECT audit_append_unchecked(
          array_agg('lineage.registered'::text), array_agg('model-' || n % $3 + 1 || '@1.0.0'), array_agg(true),
          array_agg('{"record_hash":"' || repeat('ab', 32) || '","revision":' || n / $3 + 1 || '}'),
          array_agg(substr(sha256(int8send(n)), 1, 16)), array_agg('anonymous'::text), array_agg('r-' || n))
         FROM generate_series($1::bigint, $2::bigint) AS n) AS appended`,
      [at, last - 1, models],
    )
    await owner.query(
      `INSERT INTO model_lineage (id, audit_id, revision, created_at, model_id, version, created_by,
                                  artifacts, parents, metadata, record_hash)
       SELECT l.next + row_number() OVER (ORDER BY a.id), a.id, (details::jsonb ->> 'revision')::int, a.created_at,
              split_part(subject, '@', 1), '1.0.0', $1, $2, $3, $4, sha256(int8send(a.id))
         FROM (SELECT coalesce(max(id), 0) AS next, coalesce(max(audit_id), 0) AS audited FROM model_lineage) AS l,
              audit_log AS a WHERE a.id > l.audited`,
      record,
    )
    await owner.query('COMMIT')
  }
  // VACUUM refuses to share a message with anything else.
  await owner.query('VACUUM ANALYZE model_lineage')
  await owner.query('VACUUM ANALYZE audit_log')
  await owner.query('CHECKPOINT')
}

/** The number of the model that the `i`th of `ASKED` asks for; `selectScript` has it in the language of pgbench. */
function askedModel(i: number, models: number): number {
  return 1 + Math.floor((i * models) / ASKED)
}

function selectScript(folder: string, models: number): string {
  const script = join(folder, 'select-lineage.sql')
  const prefix = modelId(0).slice(0, -1)
  const text = `\\set i random(0, ${ASKED - 1})
\\set n 1 + :i * ${models} / ${ASKED}
SELECT l.*, a.entry_hash FROM model_lineage AS l LEFT JOIN audit_log AS a ON a.id = l.audit_id WHERE model_id = '${prefix}' || :n ORDER BY l.id DESC LIMIT 100;
`
  writeFileSync(script, text)
  return script
}
