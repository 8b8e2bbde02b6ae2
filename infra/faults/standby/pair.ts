import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/ports.ts'
import { asOwner, type DatabaseServer, OWNER, openServer, startServer, urlsAt } from '../server.ts'
import { type Address, startAddress } from './address.ts'
import { makeStandby } from './base-backup.ts'

/**
 * Two PostgreSQL servers, one of which follows the other. As a `DatabaseServer` it is the primary, whichever that is,
 * by an address that moves with it.
 */
export interface Pair extends DatabaseServer {
  primary: DatabaseServer
  standby: DatabaseServer
  /** Whether each commit waits until the standby has it on its disk. */
  setSynchronous(isSynchronous: boolean): Promise<void>
  /** Resolves when the standby shows all that the primary has. */
  caughtUp(): Promise<void>
  /** Parts the two servers: the standby gets nothing any more. */
  part(): Promise<void>
  /** Promotes the standby and moves the address to it. The former primary, running or not, is now `standby`. */
  promote(): Promise<void>
  /** Makes the standby anew, by a base backup of the primary, and resolves when it has caught up with it. */
  rebuild(): Promise<void>
}

const SLOT = 'standby'
const portOf = ({ ownerUrl }: DatabaseServer) => Number(new URL(ownerUrl).port)

/** Starts a primary and its standby, asynchronous at first, with their data in `folder`. */
export async function startPair(folder: string): Promise<Pair> {
  let primary = await startServer(folder)
  const address = await startAddress(portOf(primary))
  const line = await startAddress(portOf(primary))
  let standby = await follow(primary, line, {
    dataDir: join(folder, 'standby'),
    logFile: join(folder, 'standby.log'),
    port: await freePort(),
  })
  return {
    ...urlsAt(address.port),
    get dataDir() {
      return primary.dataDir
    },
    get logFile() {
      return primary.logFile
    },
    get primary() {
      return primary
    },
    get standby() {
      return standby
    },
    kill: () => primary.kill(),
    start: () => primary.start(),
    setSynchronous: (isSynchronous) => setSynchronous(primary, isSynchronous),
    caughtUp: () => untilStandby(primary, 'replay_lsn >= pg_current_wal_lsn()'),
    part: () => line.leadTo(null),
    async promote() {
      await asOwner(standby.ownerUrl, (owner) => owner.query('SELECT pg_promote()'))
      ;[primary, standby] = [standby, primary]
      await address.leadTo(portOf(primary))
    },
    async rebuild() {
      const { dataDir, logFile } = standby
      await standby.kill()
      await line.leadTo(portOf(primary))
      standby = await follow(primary, line, { dataDir, logFile, port: portOf(standby) })
    },
    async stop() {
      await Promise.all([address.stop(), line.stop()])
      await Promise.all([primary.stop(), standby.stop()])
    },
  }
}

/** Makes a standby whose connection to the primary goes through `line`; resolves when it has caught up. */
async function follow(
  primary: DatabaseServer,
  line: Address,
  place: { dataDir: string; logFile: string; port: number },
): Promise<DatabaseServer> {
  const { user, password } = OWNER
  const conninfo = `host=127.0.0.1 port=${line.port} user=${user} password=${password} application_name=${SLOT}`
  await makeStandby({ ...primary, conninfo, slot: SLOT }, place.dataDir)
  const standby = await openServer({ ...place, owner: OWNER })
  await untilStandby(primary, `state = 'streaming'`)
  return standby
}

async function setSynchronous(primary: DatabaseServer, isSynchronous: boolean): Promise<void> {
  await asOwner(primary.ownerUrl, async (owner) => {
    await owner.query(`ALTER SYSTEM SET synchronous_standby_names = '${isSynchronous ? SLOT : ''}'`)
    await owner.query('SELECT pg_reload_conf()')
  })
  await untilStandby(primary, `sync_state = '${isSynchronous ? 'sync' : 'async'}'`)
}

/** Resolves when the primary says so of its standby. */
async function untilStandby(primary: DatabaseServer, condition: string): Promise<void> {
  await asOwner(primary.ownerUrl, async (owner) => {
    for (;;) {
      const sql = `SELECT ${condition} AS holds FROM pg_stat_replication WHERE application_name = $1`
      const { rows } = await owner.query<{ holds: boolean }>(sql, [SLOT])
      if (rows[0]?.holds) return
      await sleep(20)
    }
  })
}
