import { type CampaignOptions, type CampaignResult, runCampaign } from '../campaign.ts'
import { type Fault, killAudit, killPostgres } from '../faults.ts'
import { allHold, type Finding } from '../findings.ts'
import { gateDrill } from '../gate/drill.ts'
import { inWorld, type Setting, tamperScenario } from '../scenarios.ts'
import type { BrokenBuild } from './builds.ts'

const KILLS = 2
const APPENDS = { count: 500, retries: 0.3 }

/** I8: runs what must find the build broken, as short as it may be, and says whether it does. */
export async function hunt(setting: Setting, build: BrokenBuild): Promise<Finding> {
  const violated = await {
    'kills of mcp-audit': () => kill(setting, build, killAudit),
    'kills of PostgreSQL': () => kill(setting, build, killPostgres),
    replicas: () => campaign(setting, build, { appends: APPENDS, faults: [] }),
    tamper: () => tamper(setting, build),
    'the gate': () => gate(setting, build),
  }[build.foundBy]()
  const isFound = violated.some((what) => what.startsWith(build.violates))
  return {
    what: `I8 ${build.name}`,
    figure: `${build.what}: ${violated.join('; ') || 'not found'}`,
    holds: isFound,
  }
}

function kill(setting: Setting, build: BrokenBuild, fault: Fault): Promise<string[]> {
  return campaign(setting, build, { faults: [[fault, KILLS]] })
}

function campaign(
  setting: Setting,
  build: BrokenBuild,
  options: Pick<CampaignOptions, 'faults' | 'appends'>,
): Promise<string[]> {
  const { folder, say } = setting
  const replicas = build.foundBy === 'replicas' ? 2 : 1
  return inWorld({ ...setting, build }, { replicas }, async (world) =>
    inWords(
      await runCampaign(world, {
        folder,
        clients: 32,
        between: { acknowledged: 50, ms: 0 },
        patienceMs: 3_000,
        say,
        ...options,
      }),
    ),
  )
}

function inWords({ violations }: CampaignResult): string[] {
  return violations.map(({ invariant, what, times }) => `${invariant} ${what} (${times} times)`)
}

async function tamper(setting: Setting, build: BrokenBuild): Promise<string[]> {
  const options = { entries: 700, everywhere: false, only: 'the last entry deleted' }
  const findings = await tamperScenario({ ...setting, build }, options)
  return allHold(findings) ? [] : [`a row, ${findings.map(({ figure }) => figure).join(', ')}`]
}

function gate(setting: Setting, build: BrokenBuild): Promise<string[]> {
  const { folder, say } = setting
  const options = { folder, clients: 16, calls: 200, strikes: KILLS, hang: 500, say }
  return inWorld({ ...setting, build }, { hasGate: true }, async (world) =>
    (await gateDrill(world, options))
      .filter(({ holds }) => holds === false)
      .map(({ what, figure }) => `${what} (${figure})`),
  )
}
