import { appendFile, chown, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { asOwner } from '../server.ts'

/** What a base backup leaves out, by path in the data folder (PostgreSQL 18, section 25.3.4). */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts'])
/** Folders that a base backup has empty. */
const EMPTY = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])

/** Where a standby gets what it has not got. */
export interface Source {
  /** Of a superuser of the primary. */
  ownerUrl: string
  dataDir: string
  /** What the standby connects by, as `host=… port=…`. */
  conninfo: string
  /** The replication slot by which the primary keeps what the standby has not got yet; made anew. */
  slot: string
}

/**
 * Copies a running primary by the low-level interface (PostgreSQL 18, section 25.3.3) to `dataDir`, which is replaced,
 * and makes it a standby that streams from there. What pg_basebackup does, which the npm packages do not have.
 */
export async function makeStandby(source: Source, dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true, force: true })
  // In one session from begin to end, as PostgreSQL asks for.
  const label = await asOwner(source.ownerUrl, async (owner) => {
    await makeSlot(owner, source.slot)
    await owner.query(`SELECT pg_backup_start('standby', fast => true)`)
    await copyTree(source.dataDir, dataDir)
    const { rows } = await owner.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
    )
    return rows[0]?.labelfile as string
  })
  const { uid, gid } = await stat(dataDir)
  for (const [name, text] of [
    ['backup_label', label],
    ['standby.signal', ''],
  ] as const) {
    await writeFile(join(dataDir, name), text, { mode: 0o600 })
    await chown(join(dataDir, name), uid, gid)
  }
  const settings = [
    `primary_conninfo = '${source.conninfo}'`,
    `primary_slot_name = '${source.slot}'`,
    `wal_retrieve_retry_interval = '100ms'`,
  ]
  await appendFile(join(dataDir, 'postgresql.auto.conf'), `${settings.join('\n')}\n`)
}

async function makeSlot(owner: Client, slot: string): Promise<void> {
  await owner.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  await owner.query('SELECT pg_create_physical_replication_slot($1, true)', [slot])
}

/** Copies a folder, with its owner and modes, that is being written to. */
async function copyTree(from: string, to: string, path = ''): Promise<void> {
  const { uid, gid, mode } = await stat(join(from, path))
  await mkdir(join(to, path), { mode: mode & 0o777 })
  await chown(join(to, path), uid, gid)
  if (EMPTY.has(path)) return
  for (const entry of await readdir(join(from, path), { withFileTypes: true })) {
    const inner = join(path, entry.name)
    if (LEFT_OUT.has(inner)) continue
    if (entry.isDirectory()) await copyTree(from, to, inner)
    else if (await isCopied(join(from, inner), join(to, inner))) {
      await chown(join(to, inner), uid, gid)
    }
  }
}

/** Copies a file; false if it is gone, as that of a table that was dropped meanwhile is. */
async function isCopied(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
