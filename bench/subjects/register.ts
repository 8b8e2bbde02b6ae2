import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pgbench } from '../load/pgbench.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { asOwner, type Ground } from './ground.ts'
import { MODELS, modelId, REGISTRATION, registrations } from './registrations.ts'

const FLOOR = 'INSERT of the same columns by pgbench, 64 clients'

/**
 * Registrations a second at 64 connections, each of which is a record and a log entry in one transaction, beside pgbench
 * inserting the columns of the record alone into a plain table.
 */
export async function benchRegister(ground: Ground): Promise<Figure[]> {
  const { stack, database, rounds, load, say } = ground
  const program = ground.program('pgbench', FLOOR)
  const insert = await preparePlainTable(ground)
  const register = (url: string) => async () => {
    const { rate } = await load(registrations(url), { connections: 64, seconds: rounds.seconds })
    return rate
  }
  const contenders = {
    ...(program && { [FLOOR]: () => pgbench(program, database, insert, rounds.seconds) }),
    'POST /register at the service, 64': register(`${stack.lineage.url}/register`),
    'POST /register through the gateway, 64': register(`${stack.gateway.url}/mcp-lineage/register`),
  }
  const measured = await interleave('register', contenders, rounds.count, say)
  return Object.entries(measured).map(
    ([name, values]): Figure => ({
      ...{ name, what: 'rate', unit: '/s', values },
      ratios: name === FLOOR ? [] : ratioTo('INSERT', values, measured[FLOOR]),
    }),
  )
}

/** Makes a table with the columns of a record and nothing of its rules; returns the script for pgbench. */
async function preparePlainTable({ database, folder }: Ground): Promise<string> {
  await asOwner(database, (owner) =>
    owner.query(
      `CREATE TABLE bench_plain (LIKE model_lineage);
       ALTER TABLE bench_plain ALTER id ADD GENERATED ALWAYS AS IDENTITY, ADD PRIMARY KEY (id)`,
    ),
  )
  const script = join(folder, 'insert-record.sql')
  const { created_by, artifacts, parents, metadata } = REGISTRATION
  writeFileSync(
    script,
    `\\set n random(1, ${MODELS})
INSERT INTO bench_plain (audit_id, revision, created_at, model_id, version, created_by, artifacts, parents, metadata, record_hash) VALUES (:n, 1, now(), '${modelId(0).slice(0, -1)}' || :n, '1.0.0', '${created_by}', ARRAY['${artifacts.join("','")}'], '${JSON.stringify(parents)}', '${JSON.stringify(metadata)}', '\\x${'ab'.repeat(32)}');
`,
  )
  return script
}
