import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { Client } from 'pg'

/** A row that fits all rows before it. */
export interface CheckedRow {
  id: number
  event_type: string
  decision: boolean
  /** Canonical JSON text; null once erased. */
  details: string | null
  /** In hex. */
  entry_hash: string
}

interface Row extends Omit<CheckedRow, 'entry_hash'> {
  subject: string
  details_salt: Buffer | null
  details_hash: Buffer
  actor: string | null
  request_id: string | null
  us: string
  prev_hash: Buffer
  entry_hash: Buffer
  erased_by: number | null
}

const SELECT = `SELECT id::int, event_type, subject, decision, details, details_salt, details_hash, actor, request_id,
  (extract(epoch FROM created_at) * 1000000)::bigint AS us, prev_hash, entry_hash, erased_by::int
  FROM audit_log WHERE id >= $1 ORDER BY id`
const PAGE = 5_000

/**
 * Reads every row of the log as the owner, in one snapshot, and recomputes every hash from docs/FORMATS.md, on
 * purpose without a line of the services' own code. Throws an `AssertionError` at the first row that does not
 * fit. `onRow` hears of each row that does. Returns how many entries there are.
 */
export async function checkLog(
  ownerUrl: string,
  onRow: (row: CheckedRow) => void = () => {},
): Promise<number> {
  const chain = new Chain()
  await readOn(ownerUrl, chain, onRow)
  chain.assertErasures()
  return chain.length
}

/**
 * A log that is looked at again and again while it grows, each time from the entry that was its last, so that the many
 * looks of a long run do not read the whole of it each. Not for logs in which details are erased meanwhile.
 */
export class GrowingLog {
  readonly #ownerUrl: string
  readonly #chain = new Chain()

  constructor(ownerUrl: string) {
    this.#ownerUrl = ownerUrl
  }

  /** Throws an `AssertionError` at the first row that does not fit, or if the last one is not the same any more. */
  async check(): Promise<void> {
    await readOn(this.#ownerUrl, this.#chain, () => {})
  }
}

/** Takes what follows the chain, after another look at its last row. */
async function readOn(
  ownerUrl: string,
  chain: Chain,
  onRow: (row: CheckedRow) => void,
): Promise<void> {
  const client = new Client({ connectionString: ownerUrl })
  // A server that is killed meanwhile fails the query; without a listener it would end this process too.
  client.on('error', () => {})
  await client.connect()
  try {
    // Not by `id > …`, page after page: that would pass over a second row of the same id.
    await client.query('BEGIN')
    await client.query(`DECLARE log NO SCROLL CURSOR FOR ${SELECT}`, [chain.length])
    if (chain.length > 0) chain.assertLast((await client.query<Row>('FETCH 1 FROM log')).rows[0])
    for (;;) {
      const { rows } = await client.query<Row>(`FETCH ${PAGE} FROM log`)
      for (const row of rows) {
        chain.append(row)
        onRow({ ...row, entry_hash: row.entry_hash.toString('hex') })
      }
      if (rows.length < PAGE) break
    }
  } finally {
    await client.end()
  }
}

/** The rows so far, and what the next one must continue. */
class Chain {
  length = 0
  #prev = Buffer.alloc(32)
  #us = 0n
  readonly #erased = new Map<number, number[]>()
  readonly #erasers = new Map<number, string>()

  append(row: Row): void {
    const { id } = row
    assert.equal(id, this.length + 1, 'positions have no gap and come once')
    assertSame(row.prev_hash, this.#prev, `entry ${id} continues the one before`)
    assert.ok(BigInt(row.us) >= this.#us, `entry ${id} is not earlier than the one before`)
    if (row.erased_by === null) {
      assert.ok(row.details !== null && row.details_salt !== null, `entry ${id} has its details`)
      const details = Buffer.concat([row.details_salt, Buffer.from(row.details)])
      assertSame(row.details_hash, hash('sha256', details, 'buffer'), `details of entry ${id}`)
      if (row.event_type === 'audit.details_erased') this.#erasers.set(id, row.details)
    } else {
      assert.ok(row.details === null && row.details_salt === null, `entry ${id} is erased`)
      const same = this.#erased.get(row.erased_by)
      if (same) same.push(id)
      else this.#erased.set(row.erased_by, [id])
    }
    assertSame(row.entry_hash, entryHash(row), `entry_hash of entry ${id}`)
    this.length = id
    this.#prev = Buffer.from(row.entry_hash)
    this.#us = BigInt(row.us)
  }

  /** `row` is the last one still. */
  assertLast(row: Row | undefined): void {
    assert.equal(row?.id, this.length, `entry ${this.length} is still there`)
    assertSame(entryHash(row as Row), this.#prev, `entry ${this.length} is still the same`)
  }

  /** Every erased entry is covered and counted by the entry that it names, and by no other. */
  assertErasures(): void {
    for (const [id, details] of this.#erasers) {
      const { first_id, last_id, count } = JSON.parse(details)
      const ids = this.#erased.get(id) ?? []
      const outside = ids.filter((erased) => erased < first_id || erased > last_id)
      assert.deepEqual([ids.length, outside], [count, []], `entry ${id} accounts for its erasures`)
      this.#erased.delete(id)
    }
    assert.deepEqual([...this.#erased], [], 'every erasure has an entry that accounts for it')
  }
}

function entryHash(row: Row): Buffer {
  const envelope = JSON.stringify({
    actor: row.actor,
    decision: row.decision,
    details_hash: row.details_hash.toString('hex'),
    event_type: row.event_type,
    request_id: row.request_id,
    subject: row.subject,
    v: 1,
  })
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64BE(BigInt(row.id), 0)
  numbers.writeBigInt64BE(BigInt(row.us), 8)
  const parts = [Buffer.of(2), row.prev_hash, numbers, hash('sha256', envelope, 'buffer')]
  return hash('sha256', Buffer.concat(parts), 'buffer')
}

function assertSame(one: Buffer, other: Buffer, what: string): void {
  assert.ok(one.equals(other), what)
}
