import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import type { Client } from 'pg'
import { GOALS } from '../goals.ts'
import { pgbench } from '../load/pgbench.ts'
import { interleave } from '../load/rounds.ts'
import { type Figure, ratioTo } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { asOwner, type Ground, readsProc } from './ground.ts'
import { preparePlainTable } from './plain-table.ts'
import { exportTo, type Pass, verifyFile, verifyServed } from './whole-log.ts'

const SIZES = [10_000, 1_000_000, 10_000_000] as const
const FILL_STEP = 250_000
const MIB = 1_048_576
const APPEND = 'POST /log'
const INSERT = 'INSERT by pgbench'
const SMALL = 'the small log'

/** What was measured at one size; disk and WAL in bytes an entry. */
export interface AtSize {
  size: number
  appends: number[]
  /** Missing without pgbench. */
  inserts: number[] | undefined
  disk: Record<'table' | 'indexes' | 'Merkle tree', number>
  /** Of the rounds in which the service appends. */
  wal: number
  passes: Record<PassName, Pass>
}

/** Who works in each pass, and so whose memory is looked at. */
const WORKERS = { export: 'mcp-audit', 'aigov verify': 'aigov', 'GET /verify': 'mcp-audit' }
type PassName = keyof typeof WORKERS

/**
 * What grows with the log and what does not, from ten thousand to ten million entries: appends a second at 64 connections
 * beside INSERT into a plain table, an export, `aigov verify` and `GET /verify` of it all, the memory that each takes, and
 * the disk. Ten million entries take some 12 GB for log, export and WAL.
 */
export async function benchGrowth(ground: Ground): Promise<Figure[]> {
  const insert = await preparePlainTable(ground)
  const all: AtSize[] = []
  for (const size of SIZES) {
    await asOwner(ground.database, (owner) => fillTo(size, owner, ground))
    all.push(await measureAt(size, insert, ground))
  }
  const hasProc = readsProc(ground, 'memory of each pass')
  return all.flatMap((one) => figuresOf(one, all[0] as AtSize, hasProc))
}

async function fillTo(size: number, owner: Client, { say }: Ground): Promise<void> {
  for (let at = 0; at < size; ) {
    at = Math.min(size, at + FILL_STEP)
    say(`growth: filling the log to ${size.toLocaleString('en')} entries, now ${at}`)
    await fillLog(owner, at)
  }
  // VACUUM refuses to share a message with anything else.
  await owner.query('VACUUM ANALYZE audit_log')
  await owner.query('CHECKPOINT')
}

async function measureAt(size: number, insert: string, ground: Ground): Promise<AtSize> {
  const { stack, database, folder, say } = ground
  const disk = await asOwner(database, diskOf)
  const file = join(folder, 'growth.ndjson')
  say(`growth: export of ${size.toLocaleString('en')} entries, and what verifies them`)
  const exported = await exportTo(stack, size, file)
  const verified = await verifyFile(file, stack.verifierKey, size)
  rmSync(file)
  const served = await verifyServed(stack, size)
  const passes = { export: exported, 'aigov verify': verified, 'GET /verify': served }
  // Last, since they make the log larger than the size that the passes are named after.
  const { appends, inserts, wal } = await measureAppends(insert, ground)
  return { size, appends, inserts, disk, wal, passes }
}

async function diskOf(owner: Client): Promise<AtSize['disk']> {
  const { rows } = await owner.query<Record<'table' | 'indexes' | 'tree' | 'entries', string>>(
    `SELECT pg_table_size('audit_log') AS table, pg_indexes_size('audit_log') AS indexes,
            pg_total_relation_size('audit_subtrees') AS tree, (SELECT max(id) FROM audit_log) AS entries`,
  )
  const { table, indexes, tree, entries } = rows[0] as (typeof rows)[number]
  const each = (bytes: string) => Number(bytes) / Number(entries)
  return { table: each(table), indexes: each(indexes), 'Merkle tree': each(tree) }
}

async function measureAppends(insert: string, ground: Ground) {
  const { stack, database, rounds, load, say } = ground
  const program = ground.program('pgbench', INSERT)
  let [bytes, entries] = [0, 0]
  const append = async () => {
    const before = await asOwner(database, headOf)
    const { rate } = await load(
      { url: `${stack.audit.url}/log`, body: EVENT },
      { connections: 64, seconds: rounds.seconds },
    )
    const after = await asOwner(database, headOf)
    bytes += after.wal - before.wal
    entries += after.entries - before.entries
    return rate
  }
  const contenders = {
    [APPEND]: append,
    ...(program && { [INSERT]: () => pgbench(program, database, insert, rounds.seconds) }),
  }
  const measured = await interleave('growth', contenders, rounds.count, say)
  return {
    appends: measured[APPEND] as number[],
    inserts: measured[INSERT],
    wal: bytes / entries,
  }
}

async function headOf(owner: Client): Promise<{ wal: number; entries: number }> {
  const { rows } = await owner.query<{ wal: string; entries: string }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS wal, (SELECT max(id) FROM audit_log) AS entries`,
  )
  const { wal, entries } = rows[0] as (typeof rows)[number]
  return { wal: Number(wal), entries: Number(entries) }
}

/**
 * The figures of one size beside those of the smallest. Sizes are measured many minutes apart, so appends are not set beside
 * those of the small log themselves, but by what INSERT did in the same rounds.
 */
export function figuresOf(at: AtSize, small: AtSize, hasProc: boolean): Figure[] {
  const nameOf = (what: string) => `${what}, a log of ${at.size.toLocaleString('en')}`
  const nameFrom = (what: string) => `${what}, a log from ${at.size.toLocaleString('en')} on`
  const isSmall = at === small
  const toInsert = (one: AtSize) => ratioTo('INSERT', one.appends, one.inserts)
  const [own] = toInsert(at)
  const [least] = toInsert(small)
  const appends: Figure = {
    ...{ name: nameFrom(APPEND), what: 'rate', unit: '/s', values: at.appends },
    ratios: toInsert(at),
  }
  const grown: Figure[] =
    !own || !least || isSmall
      ? []
      : [
          {
            ...{ name: nameFrom(`${APPEND} ÷ INSERT`), what: 'ratio', unit: '×' },
            values: own.values,
            ratios: ratioTo(SMALL, own.values, least.values, GOALS.growth),
          },
        ]
  const passes = (Object.keys(WORKERS) as PassName[]).flatMap((pass): Figure[] => {
    const { entries, seconds, peak } = at.passes[pass]
    const name = nameOf(pass)
    const memory = { name, what: `memory of ${WORKERS[pass]} at most`, unit: 'MiB' }
    const ratios = isSmall ? [] : ratioTo(SMALL, [peak], [small.passes[pass].peak])
    return [
      // Not beside the small log: there most of the time is that of starting.
      { name, what: 'rate', unit: 'entries/s', values: [entries / seconds] },
      { name, what: 'time', unit: 's', values: [seconds] },
      ...(hasProc ? [{ ...memory, values: [peak / MIB], ratios }] : []),
    ]
  })
  const perEntry = { ...at.disk, WAL: at.wal }
  return [
    appends,
    ...grown,
    ...(at.inserts
      ? [{ name: nameFrom(INSERT), what: 'rate', unit: '/s', values: at.inserts }]
      : []),
    ...passes,
    ...Object.entries(perEntry).map(([what, bytes]) => ({
      ...{ name: nameOf('disk an entry'), what, unit: 'B', values: [bytes] },
    })),
  ]
}
