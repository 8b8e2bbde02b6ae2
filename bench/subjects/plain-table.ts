import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT } from './event.ts'
import { asOwner, type Ground } from './ground.ts'

/** Makes a table with the columns of the log and nothing of its chain; returns the script for pgbench. */
export async function preparePlainTable({ database, folder }: Ground): Promise<string> {
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
