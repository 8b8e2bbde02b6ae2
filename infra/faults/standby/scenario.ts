import { mkdirSync } from 'node:fs'
import { checkLog } from '../../test-support/check-log.ts'
import { runCampaign } from '../campaign.ts'
import { campaignFindings } from '../campaign-findings.ts'
import type { Finding } from '../findings.ts'
import { stopping } from '../leftovers.ts'
import type { Setting } from '../scenarios.ts'
import { startWorld, type World } from '../world.ts'
import { lostDrill } from './lost.ts'
import { type Pair, startPair } from './pair.ts'
import { promoteStandby } from './promotion.ts'
import { splitDrill } from './split.ts'

export interface StandbyCounts {
  clients: number
  /** How often a primary dies and its synchronous standby is promoted. */
  promotions: number
  /** What is acknowledged between two of them, and, at the end, while an asynchronous standby gets nothing. */
  acknowledged: number
  /** How long, in ms, the load goes on undisturbed before each of them. */
  betweenMs: number
}

/** A standby promoted while it is synchronous, while the primary lives, and while it is behind. */
export async function standbyScenario(setting: Setting, counts: StandbyCounts): Promise<Finding[]> {
  const { folder, say, random } = setting
  mkdirSync(folder, { recursive: true })
  const pair = await startPair(folder)
  const world = await startWorld({ folder, server: pair })
  return stopping(world.stop, async () => {
    await pair.setSynchronous(true)
    const findings = await promotions(world, pair, setting, counts)
    say('the standby promoted while the primary lives')
    findings.push(...(await splitDrill(world, pair, folder)))
    say('the standby promoted while it is behind')
    const { clients, acknowledged } = counts
    const lost = { clients, lost: acknowledged, random: random.derive('lost') }
    findings.push(...(await lostDrill(world, pair, folder, lost)))
    return findings
  })
}

async function promotions(
  world: World,
  pair: Pair,
  { folder, say, random, isTimed }: Setting,
  { clients, promotions: times, acknowledged, betweenMs }: StandbyCounts,
): Promise<Finding[]> {
  const result = await runCampaign(world, {
    folder,
    clients,
    faults: [[promoteStandby(pair), times]],
    between: { acknowledged, ms: betweenMs },
    random,
    say,
  })
  await pair.caughtUp()
  const [primary, standby] = await Promise.all(
    [pair.primary, pair.standby].map(({ ownerUrl }) => checkLog(ownerUrl)),
  )
  return [
    ...campaignFindings(result, isTimed),
    {
      what: 'the standby made anew: entries, in a chain that is whole',
      figure: `${standby} of ${primary}`,
      holds: standby === primary,
    },
  ]
}
