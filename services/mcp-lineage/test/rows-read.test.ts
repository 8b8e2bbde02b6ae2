import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, type TestDatabase } from '@ai-governance/infra/test-support/database'
import { Client } from 'pg'
import { MODEL, startService } from './service.ts'

// Whatever plan PostgreSQL chooses, an answer reads about as many rows as it shows, and not all that there are.

const RECORDS = 20_000

let database: TestDatabase
let owner: Client
before(async () => {
  database = await createTestDatabase()
  owner = new Client({ connectionString: database.ownerUrl })
  await owner.connect()
  await fill()
})
after(async () => {
  await owner.end()
  await database.drop()
})

/** A model that was busy once, five hundred that come again and again, one with most of the records, and one in two with a key. */
async function fill(): Promise<void> {
  // On a connection that is gone before anything is counted, since each hands in what it has counted when it likes.
  const filler = new Client({ connectionString: database.ownerUrl })
  await filler.connect()
  const { rows } = await filler.query('SELECT pg_backend_pid() AS pid')
  for (let first = 1; first <= RECORDS; first += 500) {
    await filler.query(
      `SELECT count(*) FROM lineage_register((
         SELECT json_agg(json_build_object(
           'model_id', CASE WHEN i <= 4000 THEN 'old' WHEN i % 4 = 0 THEN 'model-' || i % 2000 ELSE 'hot' END,
           'version', i % 7, 'created_by', 'ann', 'artifacts', ARRAY['sha256:aa'], 'parents', '[]', 'metadata', '{}',
           'salt', '\\x' || md5(i::text), 'actor', 'key:a', 'key', CASE WHEN i % 2 = 0 THEN 'k' || i END))
           FROM generate_series($1::int, $1 + 499) AS i))`,
      [first],
    )
  }
  await filler.query('VACUUM ANALYZE')
  await filler.end()
  const gone = 'SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1) AS gone'
  while (!(await owner.query(gone, [rows[0].pid])).rows[0].gone) await sleep(5)
}

const COUNTED = `SELECT
  (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) AS rows`
const CONNECTED = `SELECT count(*)::int AS n FROM pg_stat_activity
  WHERE usename = 'lineage_service' AND datname = current_database()`

/** How many rows of tables and indexes were read for what `work` asks a service of its own. */
async function rowsRead(
  work: (service: Awaited<ReturnType<typeof startService>>) => Promise<unknown>,
): Promise<number> {
  const { rows: earlier } = await owner.query(COUNTED)
  const service = await startService(database)
  await work(service)
  await service.end()
  // A connection hands in what it has counted before it is gone.
  while ((await owner.query(CONNECTED)).rows[0].n > 0) await sleep(5)
  const { rows: later } = await owner.query(COUNTED)
  return later[0].rows - earlier[0].rows
}

for (const [url, shown] of [
  ['/lineage?model_id=hot', 100],
  ['/lineage?model_id=hot&before=5000', 100],
  ['/lineage?model_id=old', 100],
  ['/lineage?model_id=old&before=300', 100],
  ['/lineage?model_id=hot&version=3', 100],
  ['/lineage?model_id=old&version=3', 100],
  ['/lineage?model_id=unknown', 0],
  ['/lineage?model_id=hot&at=2020-01-01T00:00:00Z', 0],
  ['/models', 100],
  ['/models?limit=2', 2],
  ['/models?before=10000', 1],
] as const) {
  test(`GET ${url} reads what it shows`, async () => {
    let count: number | undefined
    const read = await rowsRead(async (service) => {
      count = (await service.get(url)).length
    })
    assert.equal(count, shown)
    // Of each record shown its index, itself and its entry; moments are found by halving.
    assert.ok(read <= 6 * shown + 150, `${read} rows`)
  })
}

test('what was known at a moment is found without reading what came later', async () => {
  const { rows } = await owner.query(
    `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at FROM model_lineage WHERE id = 50`,
  )
  let count = 0
  const read = await rowsRead(async (service) => {
    count = (await service.get(`/lineage?model_id=old&at=${rows[0].at}&limit=1000`)).length
  })
  assert.equal(count, 500)
  assert.ok(read <= 6 * count + 150, `${read} rows`)
})

test('a step of verification reads its part of the lineage and of the log', async () => {
  const read = await rowsRead(async (service) => {
    const verdict = await service.get('/verify?from_id=15001&limit=3000')
    assert.deepEqual([verdict.ok, verdict.records], [true, 3_000])
  })
  // Record, entry, the line in the list of models with its record, and the search for entries without a record.
  assert.ok(read <= 12 * 3_000, `${read} rows`)
})

test('a batch of registrations reads a few rows for each, on a connection from before there were any', async () => {
  const fresh = await createTestDatabase()
  const service = await startService(fresh)
  const many = (from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        service.register(
          { ...MODEL, model_id: `m${(from + i) % 700}` },
          { 'idempotency-key': `k${from + i}` },
        ),
      ),
    )
  const own = new Client({ connectionString: fresh.ownerUrl })
  await own.connect()
  try {
    for (let from = 0; from < 4_000; from += 100) await many(from, 100)
    // Again, under the same keys: each is looked up and found.
    const answers = await many(0, 4_000)
    assert.ok(answers.every((answer) => answer.headers['idempotency-replayed'] === 'true'))
    await service.end()
    while ((await own.query(CONNECTED)).rows[0].n > 0) await sleep(5)
    const { rows } = await own.query(COUNTED)
    assert.ok(rows[0].rows <= 30 * 8_000, `${rows[0].rows} rows`)
  } finally {
    await own.end()
    await fresh.drop()
  }
})
