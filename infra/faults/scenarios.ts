import { mkdirSync } from 'node:fs'
import type { BrokenBuild } from './broken/builds.ts'
import { type CampaignOptions, runCampaign } from './campaign.ts'
import { campaignFindings } from './campaign-findings.ts'
import { cleanDrill } from './clean.ts'
import type { DrillOptions } from './drills.ts'
import { erasureDrill } from './erasure.ts'
import { kill } from './faults.ts'
import type { Finding } from './findings.ts'
import { gateDrill } from './gate/drill.ts'
import { stopping } from './leftovers.ts'
import type { Random } from './random.ts'
import { startServer } from './server.ts'
import { type SlowCounts, slowDrill } from './slow/drill.ts'
import { hungDrill } from './slow/hung.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** Where a scenario keeps its files, whom it tells how far it is, and where its choices by chance come from. */
export interface Setting {
  folder: string
  say: (line: string) => void
  random: Random
  /** Whether times and rates are judged, and not only told: on a machine with nothing else to do. */
  isTimed: boolean
  /** Of the rows of the tamper tables those whose name holds this, of the broken builds the one of this name. */
  only?: string | undefined
  build?: BrokenBuild | undefined
}

/** Every service with the gateway in front of it: what a user has. */
const WHOLE: Omit<WorldOptions, 'folder'> = { hasGate: true }
const STEADY = { acknowledged: 100, ms: 1_000 }
const AROUND = 3_000
const BRIEF = { acknowledged: 20, ms: 20 }

interface Campaign extends Pick<CampaignOptions, 'clients' | 'faults' | 'focus'> {
  /** Whether no service may end meanwhile. */
  endsNone?: boolean
}

/** Faults that come one after the other, under load. */
export function campaignScenario(setting: Setting, campaign: Campaign): Promise<Finding[]> {
  const { folder, say, random, isTimed } = setting
  const isSudden = campaign.faults.every(([fault]) => fault.isSudden)
  // A second on either side is what I7 counts in.
  const between =
    isSudden && isTimed ? STEADY : { ...BRIEF, ...(isSudden && { acknowledged: 100 }) }
  // Where strikes follow one another within moments, I7 is counted around all of them: once the load has got going.
  const around = isTimed && !isSudden ? AROUND : 0
  return inWorld(setting, WHOLE, async (world) => {
    const before = processesOf(world)
    const options = { ...campaign, folder, between, around, say, random }
    const result = await runCampaign(world, options)
    const findings = campaignFindings(result, isTimed)
    return campaign.endsNone ? [...findings, judgeEnds(before, processesOf(world))] : findings
  })
}

/** The services that run, by address and process. */
function processesOf({ audits, lineage, policy, gateways }: World): string[] {
  const isThere = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  return [...audits, lineage, ...(policy ? [policy] : []), ...gateways]
    .map((service) => ({ url: service.url, pid: service.pid() }))
    .filter(({ pid }) => pid !== undefined && isThere(pid))
    .map(({ url, pid }) => `${url} as process ${pid}`)
}

function judgeEnds(before: readonly string[], after: readonly string[]): Finding {
  const ended = before.filter((one) => !after.includes(one))
  return {
    what: 'services that ended, which nobody told to',
    figure: ended.join(', ') || `none of ${before.length}`,
    holds: before.length > 0 && ended.length === 0,
  }
}

/** A trouble that lasts: mcp-audit and mcp-lineage are asked themselves, which shows what they do and not the gateway. */
export function troubleScenario(
  setting: Setting,
  run: (world: World, options: DrillOptions) => Promise<Finding[]>,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<Finding[]> {
  const { folder, random, isTimed } = setting
  const around = isTimed ? { before: 4_000, after: 8_000 } : { before: 500, after: 500 }
  const ms = { ...around, trouble: seconds * 1_000 }
  return inWorld(setting, {}, (world) => run(world, { folder, clients, ms, isTimed, random }))
}

export interface ReplicaCounts {
  clients: number
  appends: number
  /** Share of the requests that are sent again, twice at once, or given up and sent again. */
  retries: number
  /** SIGKILLs of a replica of mcp-audit and of one of the gateway, in turn. */
  kills: number
}

/** Two replicas of mcp-audit over one database and one signer, behind two gateways. */
export function replicaScenario(setting: Setting, counts: ReplicaCounts): Promise<Finding[]> {
  const { folder, say, random, isTimed } = setting
  const { clients, appends, retries, kills } = counts
  const strikes = Array.from({ length: kills }, (_, n) => n)
  const faults = [kill('mcp-audit'), kill('mcp-gateway')] as const
  const share = Math.floor(appends / (2 * kills + 2))
  return inWorld(setting, { ...WHOLE, replicas: 2, gateways: 2 }, async (world) => {
    const result = await runCampaign(world, {
      ...{ folder, clients, say, random },
      faults: strikes.map((n) => [n % 2 === 0 ? faults[0] : faults[1], 1] as const),
      between: { acknowledged: share, ms: 0 },
      appends: { count: appends, retries },
    })
    return campaignFindings(result, isTimed)
  })
}

/** The gate, while what it needs is killed, stopped and made to hang. */
export function gateScenario(
  setting: Setting,
  counts: { clients: number; calls: number; strikes: number },
): Promise<Finding[]> {
  const { folder, say, isTimed } = setting
  // Longer than the gateway waits.
  const hang = 11_000
  return inWorld(setting, { hasGate: true }, (world) =>
    gateDrill(world, { folder, ...counts, hang, isTimed, say }),
  )
}

/** Erasing leaves no text and no alarm. */
export function erasureScenario(setting: Setting): Promise<Finding[]> {
  return inWorld(setting, { throughGateway: true }, (world) =>
    erasureDrill(world, setting.folder, setting.random),
  )
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
  return stopping(server.stop, async () => {
    const victim = await makeVictim(server, folder, options.entries)
    return runTamper(victim, { ...options, say })
  })
}

/** Runs `work` in a world of its own, which ends with it. */
export async function inWorld<Result>(
  { folder, build }: Setting,
  options: Omit<WorldOptions, 'folder' | 'build'>,
  work: (world: World) => Promise<Result>,
): Promise<Result> {
  mkdirSync(folder, { recursive: true })
  const world = await startWorld({ folder, build, ...options })
  return stopping(world.stop, () => work(world))
}
