import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import { type Figure, median } from './figures.ts'

const run = promisify(execFile)

/** The event of every append, and the row that the floor inserts without a chain. */
const EVENT = {
  event_type: 'model.deployed',
  subject: 'fraud-detector@1.2.3',
  decision: true,
  details: { approved_by: 'board', environment: 'production', ticket: 'OPS-1234' },
}

const FLOOR = 'INSERT of one row by pgbench, 64 clients'

/**
 * Appends a second at 64 connections, at the service and through the gateway, beside pgbench inserting the
 * same columns into a plain table. Rounds of all three alternate, so that a slow moment hits each alike.
 */
export async function benchAppend(
  stack: Stack,
  database: { ownerUrl: string; port: number },
  folder: string,
  rounds: { count: number; seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const insert = await preparePlainTable(database.ownerUrl, folder)
  const script = join(folder, 'log.lua')
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${JSON.stringify(EVENT)}]]\n`,
  )
  const subjects: [string, () => Promise<number>][] = [
    [FLOOR, () => pgbench(database.port, insert, rounds.seconds)],
    [
      'POST /log at the service, 64',
      () => wrk(`${stack.audit.url}/log`, script, 64, rounds.seconds),
    ],
    [
      'POST /log through the gateway, 64',
      () => wrk(`${stack.gateway.url}/mcp-audit/log`, script, 64, rounds.seconds),
    ],
    [
      'POST /log at the service, 256',
      () => wrk(`${stack.audit.url}/log`, script, 256, rounds.seconds),
    ],
  ]
  const values = new Map<string, number[]>()
  for (let round = 0; round <= rounds.count; round++) {
    for (const [name, measure] of subjects) {
      say(`append, round ${round} of ${rounds.count}${round ? '' : ' (warm-up)'}: ${name}`)
      try {
        const value = await measure()
        if (round > 0) values.set(name, [...(values.get(name) ?? []), value])
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        say(`skipped: ${(error as NodeJS.ErrnoException).path} is not installed`)
      }
    }
  }
  const floor = values.get(FLOOR)
  return [...values].map(([name, list]) => ({
    name,
    unit: '/s',
    values: list,
    ...(floor &&
      name !== FLOOR && { ratio: { of: 'INSERT', value: median(list) / median(floor) } }),
  }))
}

/** Makes a table with the columns of the log and nothing of its chain; returns the script for pgbench. */
async function preparePlainTable(ownerUrl: string, folder: string): Promise<string> {
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

async function pgbench(port: number, script: string, seconds: number): Promise<number> {
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

async function wrk(
  url: string,
  script: string,
  connections: number,
  seconds: number,
): Promise<number> {
  const { stdout } = await run('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}`,
    '-s',
    script,
    url,
  ])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`appends failed:\n${stdout}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}
