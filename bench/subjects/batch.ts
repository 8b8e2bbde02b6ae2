import { once } from 'node:events'
import { request } from 'node:http'
import type { Client } from 'pg'
import { GOALS } from '../goals.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { asOwner, type Ground } from './ground.ts'

const BATCH = 10_000
const COPIED = 200_000
const FLOOR = 'COPY of the same rows into a plain table'
const SUBJECT = 'POST /log/batch of 10,000 events'

/**
 * Entries a second by `POST /log/batch` with 10,000 events each over one connection, beside COPY into a table with the
 * columns of the log and nothing of its chain.
 */
export async function benchBatch({ stack, database, rounds, say }: Ground): Promise<Figure[]> {
  const body = Buffer.from(`${JSON.stringify(EVENT)}\n`.repeat(BATCH))
  return asOwner(database, async (owner) => {
    const copy = await prepareCopy(owner)
    const contenders = {
      [FLOOR]: () => rate(COPIED, copy),
      [SUBJECT]: () =>
        rate(5 * BATCH, async () => {
          for (let i = 0; i < 5; i++) await postBatch(`${stack.audit.url}/log/batch`, body)
        }),
    }
    const measured = await interleave('batch', contenders, rounds.count, say)
    const [copied, batched] = [measured[FLOOR]!, measured[SUBJECT]!]
    return [
      { name: FLOOR, what: 'rate', unit: 'rows/s', values: copied },
      {
        ...{ name: SUBJECT, what: 'rate', unit: 'entries/s', values: batched },
        ratios: ratioTo('COPY', batched, copied, GOALS.batch),
      },
    ]
  })
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
