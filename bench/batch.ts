import { once } from 'node:events'
import { request } from 'node:http'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { Client } from 'pg'
import { type Figure, median } from './figures.ts'
import { EVENT } from './load.ts'

const BATCH = 10_000
const COPIED = 200_000
const FLOOR = 'COPY of the same rows into a plain table'

/**
 * Entries a second by `POST /log/batch` with 10,000 events each over one connection, beside COPY into a table with the
 * columns of the log and nothing of its chain.
 */
export async function benchBatch(
  stack: Stack,
  database: { ownerUrl: string },
  rounds: { count: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const values = { copy: [] as number[], batch: [] as number[] }
  try {
    const copy = await prepareCopy(owner)
    const line = `${JSON.stringify(EVENT)}\n`
    const body = Buffer.from(line.repeat(BATCH))
    for (let round = 0; round <= rounds.count; round++) {
      say(`batch, round ${round} of ${rounds.count}${round ? '' : ' (warm-up)'}`)
      const copied = await rate(COPIED, copy)
      const batched = await rate(5 * BATCH, async () => {
        for (let i = 0; i < 5; i++) await postBatch(`${stack.audit.url}/log/batch`, body)
      })
      if (round === 0) continue
      values.copy.push(copied)
      values.batch.push(batched)
    }
  } finally {
    await owner.end()
  }
  return [
    { name: FLOOR, unit: 'rows/s', values: values.copy },
    {
      name: 'POST /log/batch of 10,000 events',
      unit: 'entries/s',
      values: values.batch,
      ratio: { of: 'COPY', value: median(values.batch) / median(values.copy) },
    },
  ]
}

/** Returns what copies 200,000 rows into an empty table, from a file beside the server's data. */
async function prepareCopy(owner: Client): Promise<() => Promise<void>> {
  const { rows } = await owner.query("SELECT current_setting('data_directory') AS folder")
  const file = `${rows[0].folder}/bench-copy`
  await owner.query(
    `CREATE TABLE bench_copy (LIKE audit_log);
     ALTER TABLE bench_copy ADD PRIMARY KEY (id);
     COPY (SELECT i, now(), true, '${EVENT.event_type}', '${EVENT.subject}', 'anonymous',
                  'c0ffee00-0000-4000-8000-000000000000', '${JSON.stringify(EVENT.details)}',
                  substr(sha256(int8send(i)), 1, 16), sha256(int8send(i)), sha256(int8send(i)), sha256(int8send(i)),
                  NULL
             FROM generate_series(1::bigint, ${COPIED}) AS i) TO '${file}'`,
  )
  return async () => {
    await owner.query('TRUNCATE bench_copy')
    await owner.query(`COPY bench_copy FROM '${file}'`)
  }
}

async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (1_000 * count) / (performance.now() - start)
}

async function postBatch(url: string, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length }
  const call = request(url, { method: 'POST', headers })
  call.end(body)
  const [response] = await once(call, 'response')
  for await (const _ of response);
  if (response.statusCode !== 200) throw new Error(`a batch was answered ${response.statusCode}`)
}
