import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokenBuild } from './broken/builds.ts'
import { type CampaignOptions, runCampaign } from './campaign.ts'
import { campaignFindings } from './campaign-findings.ts'
import { cleanDrill } from './clean.ts'
import { lockDrill, stopDrill } from './drills.ts'
import { erasureDrill } from './erasure.ts'
import { type Fault, killAudit, killPostgres, stopAudit, terminateSessions } from './faults.ts'
import type { Finding } from './findings.ts'
import { gateDrill } from './gate/drill.ts'
import { startServer } from './server.ts'
import { type SlowCounts, slowDrill } from './slow/drill.ts'
import { hungDrill } from './slow/hung.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** Where a scenario keeps its files, and whom it tells how far it is. */
export interface Setting {
  folder: string
  say: (line: string) => void
  build?: BrokenBuild | undefined
}

/** How often each fault of the table strikes, or how long it lasts; 0 leaves it out. */
export interface FaultCounts {
  clients: number
  kills: number
  postgresKills: number
  sigterms: number
  terminations: number
  lockSeconds: number
  stoppedSeconds: number
}

/** The rows of the fault table about mcp-audit and PostgreSQL, each in a world of its own. */
export async function faultScenario(setting: Setting, counts: FaultCounts): Promise<Finding[]> {
  const { clients } = counts
  const steady = { acknowledged: 100, ms: 1_000 }
  const brief = { acknowledged: 20, ms: 20 }
  const campaigns: [string, Fault, number, CampaignOptions['between']][] = [
    ['audit', killAudit, counts.kills, steady],
    ['postgres', killPostgres, counts.postgresKills, steady],
    ['sigterm', stopAudit, counts.sigterms, steady],
    ['sessions', terminateSessions(), counts.terminations, brief],
  ]
  const findings: Finding[] = []
  for (const [name, fault, times, between] of campaigns) {
    if (times === 0) continue
    const { folder, say } = setting
    const own = join(folder, name)
    const options = { folder: own, clients, faults: [[fault, times]] as const, between, say }
    const found = await inWorld({ ...setting, folder: own }, {}, async (world) =>
      campaignFindings(await runCampaign(world, options), true),
    )
    findings.push(...found)
  }
  for (const [name, run, callers, seconds] of [
    ['lock', lockDrill, 200, counts.lockSeconds],
    ['stopped', stopDrill, clients, counts.stoppedSeconds],
  ] as const) {
    if (seconds === 0) continue
    setting.say(`${name}: ${seconds} s`)
    const own = join(setting.folder, name)
    const ms = { before: 4_000, trouble: seconds * 1_000, after: 8_000 }
    findings.push(
      ...(await inWorld({ ...setting, folder: own }, {}, (world) =>
        run(world, { folder: own, clients: callers, ms, isMeasured: true }),
      )),
    )
  }
  return findings
}

export interface ReplicaCounts {
  clients: number
  appends: number
  /** Share of the requests that are sent again, twice at once, or given up and sent again. */
  retries: number
  /** SIGKILLs of a replica, in turn. */
  kills: number
}

/** Two replicas over one database and one signer. */
export function replicaScenario(setting: Setting, counts: ReplicaCounts): Promise<Finding[]> {
  const { folder, say } = setting
  const { clients, appends, retries, kills } = counts
  return inWorld(setting, { replicas: 2 }, async (world) => {
    const result = await runCampaign(world, {
      folder,
      clients,
      faults: [[killAudit, kills]],
      between: { acknowledged: Math.floor(appends / (2 * kills + 2)), ms: 0 },
      appends: { count: appends, retries },
      say,
    })
    return campaignFindings(result, false)
  })
}

/** The gate, while what it needs is killed, stopped and made to hang. */
export function gateScenario(
  setting: Setting,
  counts: { clients: number; calls: number; strikes: number },
): Promise<Finding[]> {
  const { folder, say } = setting
  // Longer than the gateway waits.
  const hang = 11_000
  return inWorld(setting, { hasGate: true }, (world) =>
    gateDrill(world, { folder, ...counts, hang, say }),
  )
}

/** Erasing leaves no text and no alarm. */
export function erasureScenario(setting: Setting): Promise<Finding[]> {
  return inWorld(setting, { throughGateway: true }, (world) => erasureDrill(world, setting.folder))
}

/** Slow clients and slow readers make nobody else slow. */
export function slowScenario(setting: Setting, counts: SlowCounts): Promise<Finding[]> {
  return inWorld(setting, { throughGateway: true }, (world) =>
    slowDrill(world, counts, setting.say),
  )
}

/** A service that hangs keeps only its own callers waiting. */
export function hungScenario(setting: Setting, counts: { seconds: number }): Promise<Finding[]> {
  return inWorld(setting, { hasGate: true }, (world) => hungDrill(world, counts, setting.say))
}

/** A large clean log raises no alarm. */
export function cleanScenario(setting: Setting, entries: number): Promise<Finding[]> {
  return inWorld(setting, {}, (world) => cleanDrill(world, setting.folder, entries, setting.say))
}

/** The tamper tables over a log of this many entries. */
export async function tamperScenario(
  setting: Setting,
  options: { entries: number; everywhere: boolean; only?: string | undefined },
): Promise<Finding[]> {
  const { folder, say, build } = setting
  // The services run in this process, so what is broken of them must be before they are loaded.
  if (build?.patch !== undefined) await import(build.patch)
  const { makeVictim } = await import('./tamper/victim.ts')
  const { runTamper } = await import('./tamper/tamper.ts')
  const server = await startServer(folder)
  try {
    const victim = await makeVictim(server, folder, options.entries)
    return await runTamper(victim, { ...options, say })
  } finally {
    await server.stop()
  }
}

/** Runs `work` in a world of its own, which ends with it. */
export async function inWorld<Result>(
  { folder, build }: Setting,
  options: Omit<WorldOptions, 'folder' | 'build'>,
  work: (world: World) => Promise<Result>,
): Promise<Result> {
  mkdirSync(folder, { recursive: true })
  const world = await startWorld({ folder, build, ...options })
  try {
    return await work(world)
  } finally {
    await world.stop()
  }
}
