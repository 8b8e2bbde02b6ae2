import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'

const run = promisify(execFile)

/** The event of every append, and the row that the floor inserts without a chain. */
export const EVENT = {
  event_type: 'model.deployed',
  subject: 'fraud-detector@1.2.3',
  decision: true,
  details: { approved_by: 'board', environment: 'production', ticket: 'OPS-1234' },
}

/** The script with which wrk posts {@link EVENT}. */
export function wrkScript(folder: string): string {
  return postScript(folder, 'log', EVENT)
}

/** A script with which wrk posts `body` as JSON. */
export function postScript(folder: string, name: string, body: object): string {
  const script = join(folder, `${name}.lua`)
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${JSON.stringify(body)}]]\n`,
  )
  return script
}

/** Makes a table with the columns of the log and nothing of its chain; returns the script for pgbench. */
export async function preparePlainTable(ownerUrl: string, folder: string): Promise<string> {
  const client = new Client({ connectionString: ownerUrl })
  await client.connect()
  await client.query(
    `CREATE TABLE bench_plain (LIKE audit_log);
     ALTER TABLE bench_plain ALTER id ADD GENERATED ALWAYS AS IDENTITY, ADD PRIMARY KEY (id)`,
  )
  await client.end()
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

/** INSERTs a second of 64 clients, each a transaction. */
export async function pgbench(port: number, script: string, seconds: number): Promise<number> {
  const { stdout } = await run(
    'pgbench',
    [
      '-n',
      '-M',
      'prepared',
      '-c',
      '64',
      '-j',
      '2',
      '-T',
      String(seconds),
      '-f',
      script,
      'governance',
    ],
    {
      env: {
        ...process.env,
        PGHOST: '127.0.0.1',
        PGPORT: String(port),
        PGUSER: 'governance',
        PGPASSWORD: 'bench',
      },
    },
  )
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
}

/** POSTs a second over `connections`; throws if one fails. */
export async function wrk(
  url: string,
  script: string,
  connections: number,
  seconds: number,
): Promise<number> {
  return (await latencyOf(url, script, connections, seconds)).rate
}

/** The same, and within how many microseconds 99 % were answered. */
export async function latencyOf(
  url: string,
  script: string,
  connections: number,
  seconds: number,
): Promise<{ rate: number; p99: number }> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}`, '--latency', '-s', script, url]
  const { stdout } = await run('wrk', options)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed:\n${stdout}`)
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = { us: 1, ms: 1_000, s: 1_000_000 }[unit ?? 'us'] as number
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), p99: Number(value) * scale }
}
