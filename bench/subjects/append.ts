import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GOALS, type Goal } from '../goals.ts'
import { pgbench } from '../load/pgbench.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { asOwner, type Ground } from './ground.ts'

const FLOOR = 'INSERT of the same columns by pgbench, 64 clients'

/**
 * Appends a second at the service and through the gateway, beside pgbench inserting the same columns into a plain table.
 */
export async function benchAppend(ground: Ground): Promise<Figure[]> {
  const { stack, rounds, database } = ground
  const program = ground.program('pgbench', FLOOR)
  const insert = await preparePlainTable(ground)
  const post = (url: string, connections: number) => () =>
    ground
      .load({ url, body: EVENT }, { connections, seconds: rounds.seconds })
      .then(({ rate }) => rate)
  const log = `${stack.audit.url}/log`
  const subjects: Record<string, [measure: () => Promise<number>, goal: Goal]> = {
    'POST /log at the service, 64': [post(log, 64), GOALS.append],
    'POST /log through the gateway, 64': [
      post(`${stack.gateway.url}/mcp-audit/log`, 64),
      GOALS.appendGateway,
    ],
    'POST /log?proof=true at the service, 64': [post(`${log}?proof=true`, 64), GOALS.appendProof],
    'POST /log at the service, 256': [post(log, 256), GOALS.appendMany],
  }
  const contenders = {
    ...(program && { [FLOOR]: () => pgbench(program, database, insert, rounds.seconds) }),
    ...Object.fromEntries(Object.entries(subjects).map(([name, [measure]]) => [name, measure])),
  }
  const measured = await interleave('append', contenders, rounds.count, ground.say)
  return Object.entries(measured).map(
    ([name, values]): Figure => ({
      ...{ name, what: 'rate', unit: '/s', values },
      ratios: name === FLOOR ? [] : ratioTo('INSERT', values, measured[FLOOR], subjects[name]?.[1]),
    }),
  )
}

/** Makes a table with the columns of the log and nothing of its chain; returns the script for pgbench. */
async function preparePlainTable({ database, folder }: Ground): Promise<string> {
  await asOwner(database, (owner) =>
    owner.query(
      `CREATE TABLE bench_plain (LIKE audit_log);
       ALTER TABLE bench_plain ALTER id ADD GENERATED ALWAYS AS IDENTITY, ADD PRIMARY KEY (id)`,
    ),
  )
  const script = join(folder, 'insert.sql')
  const hash = `'\\x${'ab'.repeat(32)}'`
  writeFileSync(
    script,
    `INSERT INTO bench_plain (created_at, decision, event_type, subject, actor, request_id, details,
       details_salt, details_hash, prev_hash, entry_hash)
     VALUES (now(), true, '${EVENT.event_type}', '${EVENT.subject}', 'anonymous',
       'c0ffee00-0000-4000-8000-000000000000', '${JSON.stringify(EVENT.details)}',
       '\\x${'cd'.repeat(16)}', ${hash}, ${hash}, ${hash});\n`.replaceAll(/\n\s+/g, ' '),
  )
  return script
}
