import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCampaign, type Strike } from './campaign.ts'
import { campaignFindings } from './campaign-findings.ts'
import type { Fault } from './faults.ts'
import type { Finding } from './findings.ts'
import { stopping } from './leftovers.ts'
import type { History } from './load/history.ts'
import { Skipped } from './row.ts'
import { inWorld, type Setting } from './scenarios.ts'
import { asOwner } from './server.ts'
import type { World } from './world.ts'

export interface DiskCounts {
  clients: number
  /** How often the disk fills up, and for how many seconds it stays full. */
  times: number
  seconds: number
  /** The size of the volume with the database. */
  mebibytes: number
}

/** Segments of the write-ahead log that a server has in store that has run for a while. */
const SEGMENTS = 4
const CHUNK = Buffer.alloc(65_536)
/** What a read was answered while the disk was full. */
type Reads = Map<number | string, number>

/**
 * The volume of the database is full for a while, under load, and then is not. A real volume with a size: a tmpfs,
 * which takes root on Linux.
 *
 * @throws Skipped where it cannot be mounted
 */
export async function diskScenario(setting: Setting, counts: DiskCounts): Promise<Finding[]> {
  const volume = join(setting.folder, 'volume')
  mkdirSync(volume, { recursive: true })
  mount(volume, counts.mebibytes)
  const unmount = async () => {
    spawnSync('umount', [volume])
  }
  const dataDir = join(volume, 'postgres')
  return stopping(unmount, () =>
    inWorld(setting, { hasGate: true, dataDir }, (world) => drill(world, setting, counts, volume)),
  )
}

function mount(folder: string, mebibytes: number): void {
  const why = 'this row mounts a volume with a size, for which it must run as root on Linux'
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Skipped(why)
  const args = ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'tmpfs', folder]
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Skipped(`${why}: ${error?.message ?? stderr.trim()}`)
}

async function drill(
  world: World,
  setting: Setting,
  { clients, times, seconds }: DiskCounts,
  volume: string,
): Promise<Finding[]> {
  const { folder, say, random, isTimed } = setting
  await storeSegments(world)
  const reads: Reads = new Map()
  const freedAt: number[] = []
  const fault = fullDisk(join(volume, 'filler'), seconds * 1_000, reads, freedAt)
  const result = await runCampaign(world, {
    ...{ folder, clients, say, random },
    faults: [[fault, times]],
    between: { acknowledged: 100, ms: 1_000 },
  })
  const { history, strikes } = result
  return [
    judgeWrites(history, strikes, freedAt),
    {
      what: 'reads while it is full are 200',
      figure: [...reads].map(([came, count]) => `${count} × ${came}`).join(', '),
      holds: reads.size === 1 && reads.has(200),
      isHeadline: true,
    },
    ...campaignFindings(result, isTimed),
  ]
}

/** Without it a server that is seconds old would need a new segment, and end because there is no room for one. */
async function storeSegments({ server }: World): Promise<void> {
  await asOwner(server.ownerUrl, async (owner) => {
    for (let n = 0; n < SEGMENTS; n++) {
      await owner.query("SELECT pg_logical_emit_message(false, 'faults', 'segment')")
      await owner.query('SELECT pg_switch_wal()')
    }
    await owner.query('CHECKPOINT')
  })
}

function fullDisk(filler: string, ms: number, reads: Reads, freedAt: number[]): Fault {
  return {
    name: 'the data volume is full',
    async strike(world) {
      const until = Date.now() + ms
      const file = openSync(filler, 'a')
      try {
        while (Date.now() < until) {
          // Again and again: the server frees some of what it had.
          fill(file)
          for (const path of ['/events/1', '/events?limit=100', '/verify?limit=1000']) {
            const came = await statusOf(`${world.targets.audit[0]}${path}`)
            reads.set(came, (reads.get(came) ?? 0) + 1)
          }
          await sleep(50)
        }
      } finally {
        freedAt.push(Date.now())
        closeSync(file)
        rmSync(filler)
      }
    },
    goal: { healthy: ms + 5_000, acknowledged: ms + 15_000 },
    isSudden: true,
  }
}

/** Writes until nothing more fits. */
function fill(file: number): void {
  for (let size = CHUNK.length; size >= 1; ) {
    try {
      writeSync(file, CHUNK, 0, size)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      size >>= 1
    }
  }
}

async function statusOf(url: string): Promise<number | string> {
  try {
    const answer = await fetch(url)
    await answer.arrayBuffer()
    return answer.status
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * What was answered in the second half of the time: at its begin a page that has room still takes a row, and later
 * one that the server has cleaned may.
 */
function judgeWrites(
  { ackedAt, failures }: History,
  strikes: readonly Strike[],
  freedAt: readonly number[],
): Finding {
  const during = strikes.map(
    ({ at }, n) => [(at + (freedAt[n] ?? at)) / 2, freedAt[n] ?? at] as const,
  )
  const isIn = (time: number) => during.some(([from, to]) => time >= from && time < to)
  const written = ackedAt.filter(isIn).length
  const refused = failures.filter(({ at }) => isIn(at))
  const other = refused.filter(({ status }) => status !== 503).length
  return {
    what: 'writes while it is full are 503',
    figure: `${refused.length - other}, other ${other}, written ${written}`,
    holds: other === 0 && refused.length > 10 * written,
    isHeadline: true,
  }
}
