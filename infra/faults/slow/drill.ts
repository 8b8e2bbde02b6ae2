import { setTimeout as sleep } from 'node:timers/promises'
import { fillLog } from '../../test-support/fill-log.ts'
import type { Finding } from '../findings.ts'
import { memoryFinding, watchMemory } from '../memory.ts'
import { asOwner } from '../server.ts'
import type { World } from '../world.ts'
import { type CrowdResult, LOOKS_AFTER } from './clients.ts'
import type { CrowdConfig } from './crowd.ts'
import type { OpenLoopResult } from './open-loop.ts'
import { askOthers, busyDuring, judgeChain, judgeOthers, startProgram } from './others.ts'

export interface SlowCounts {
  clients: number
  readers: number
  entries: number
  /** How long the others are measured each time, in seconds: twice without and twice with each crowd. */
  seconds: number
}

/** What is seen late of a connection that ended in time, in ms. */
const SEEN_LATE = 1_500
/** Until all of a crowd have come and asked, in ms. */
const SETTLED = 4_000
const ROUNDS = 2

type Say = (line: string) => void

/**
 * What slow clients and slow readers of exports do to everybody else. The limits are those of docs/OPERATIONS.md:
 * the slowest hundredth of the others at most twice as slow, stuck connections ended within 20 s, 100 MiB. With
 * and without a crowd take turns, so that a machine that grows slower does not count as the fault of a crowd.
 */
export async function slowDrill(world: World, counts: SlowCounts, say: Say): Promise<Finding[]> {
  const { gateway } = world
  if (!gateway) throw new Error('this drill goes through the gateway')
  // Some 25 MB for the usual number: more than the kernels on the way keep for somebody who does not read.
  await asOwner(world.server.ownerUrl, (owner) => fillLog(owner, counts.entries, 600))
  const others = () => askOthers(gateway.url, counts.seconds)
  await others()
  const crowds: [string, CrowdConfig['kind'], number][] = [
    [`${counts.clients} slow clients`, 'clients', counts.clients],
    [`${counts.readers} slow readers`, 'readers', counts.readers],
  ]
  const findings: Finding[] = []
  for (const [what, kind, count] of crowds) {
    const port = Number(new URL(gateway.url).port)
    const seen: Seen = { before: [], during: [], grown: [], crowds: [] }
    for (let round = 0; round < ROUNDS; round++) {
      say(
        `without ${what}: ${await busyDuring(world, async () => seen.before.push(await others()))}`,
      )
      const memory = watchMemory(gateway.pid() as number)
      const crowd = startCrowd({ port, count, kind })
      await sleep(SETTLED)
      say(`with ${what}: ${await busyDuring(world, async () => seen.during.push(await others()))}`)
      await sleep(Math.max(0, LOOKS_AFTER + SETTLED - counts.seconds * 1_000))
      seen.crowds.push(await crowd.end())
      seen.grown.push(memory.end())
    }
    findings.push(...judge(what, seen))
  }
  return [...findings, await judgeChain(world)]
}

interface Seen {
  before: OpenLoopResult[]
  during: OpenLoopResult[]
  /** Bytes more at most, or null where that cannot be seen. */
  grown: (number | null)[]
  crowds: CrowdResult[]
}

function judge(what: string, { before, during, grown, crowds }: Seen): Finding[] {
  const most = grown.reduce(
    (all, one) => (all === null || one === null ? null : Math.max(all, one)),
    0,
  )
  const sum = (of: (crowd: CrowdResult) => number) => crowds.reduce((all, one) => all + of(one), 0)
  const ended = crowds.flatMap(({ endedAfter }) => endedAfter)
  const last = ended.reduce((most, ms) => Math.max(most, ms), 0)
  const stuck = sum((crowd) => crowd.stuck)
  const readersCut = sum((crowd) => crowd.readersCut)
  return [
    ...judgeOthers(what, { before, during }, 2),
    memoryFinding(`${what}: memory of the gateway grows by (goal 100 MiB)`, most, 100),
    {
      what: `${what}: the stuck ended by the gateway`,
      figure: `${ended.length}, the last within ${(last / 1_000).toFixed(1)} s; ${stuck} not`,
      holds: stuck === 0 && ended.length > 0 && last <= LOOKS_AFTER + SEEN_LATE,
    },
    {
      what: `${what}: who reads is served`,
      figure: `${readersCut} cut off; ${sum((crowd) => crowd.refused)} refused, being too many`,
      holds: readersCut === 0,
    },
  ]
}

function startCrowd(config: CrowdConfig): { end: () => Promise<CrowdResult> } {
  const { child, told } = startProgram<CrowdResult>('crowd.ts', config)
  return {
    end() {
      if (child.connected) child.send('end')
      return told
    },
  }
}
