import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillLog } from '../../test-support/fill-log.ts'
import { type Finding, p99 } from '../findings.ts'
import { asOwner } from '../server.ts'
import type { World } from '../world.ts'
import { type Crowd, startSlowClients, startSlowReaders } from './clients.ts'
import type { SteadyConfig, SteadyResult } from './steady.ts'

export interface SlowCounts {
  clients: number
  readers: number
  entries: number
  /** How long the others are measured, without and with each crowd. */
  seconds: number
}

const MiB = 1_048_576
const ENDED_WITHIN = 20_000
/** Until all of a crowd have come and asked, in ms. */
const SETTLED = 4_000
const EVENT = '{"event_type":"model.deployed","subject":"fraud@1","decision":true}'

/**
 * What slow clients and slow readers of exports do to everybody else. The limits are those of docs/OPERATIONS.md:
 * the slowest hundredth of the others at most twice as slow, stuck connections ended within 20 s, 100 MiB.
 */
export async function slowDrill(
  world: World,
  counts: SlowCounts,
  say: (line: string) => void,
): Promise<Finding[]> {
  const { gateway } = world
  if (!gateway) throw new Error('this drill goes through the gateway')
  await asOwner(world.server.ownerUrl, (owner) => fillLog(owner, counts.entries, 200))
  const port = Number(new URL(gateway.url).port)
  const others = () => measure(gateway.url, counts.seconds)
  await others()
  const crowds: [string, () => Crowd][] = [
    [`${counts.clients} slow clients`, () => startSlowClients(port, counts.clients)],
    [`${counts.readers} slow readers`, () => startSlowReaders(port, counts.readers)],
  ]
  const findings: Finding[] = []
  for (const [what, start] of crowds) {
    say(`without ${what}`)
    const before = await others()
    const memory = residentBytes(gateway.pid() as number)
    say(`with ${what}`)
    const crowd = start()
    await sleep(SETTLED)
    const during = await others()
    const grown = residentBytes(gateway.pid() as number) - memory
    await sleep(Math.max(0, 2 * ENDED_WITHIN - SETTLED - counts.seconds * 1_000))
    findings.push(...judge(what, { before, during, grown, crowd }))
    crowd.end()
  }
  return findings
}

interface Seen {
  before: SteadyResult
  during: SteadyResult
  grown: number
  crowd: Crowd
}

function judge(what: string, { before, during, grown, crowd }: Seen): Finding[] {
  const [usual, now] = [p99(before.times), p99(during.times)]
  const refused = Object.entries(during.others).map(([came, count]) => `${count} × ${came}`)
  const last = Math.max(0, ...crowd.endedAfter)
  const stuck = crowd.open(ENDED_WITHIN)
  const isReaders = what.endsWith('readers')
  return [
    {
      what: `${what}: 99 % of the others answered`,
      figure: `within ${now.toFixed(1)} ms, without them ${usual.toFixed(1)}`,
      holds: now <= 2 * usual,
    },
    {
      what: `${what}: others refused or cut`,
      figure: refused.join(', ') || `none of ${during.times.length}`,
      holds: refused.length === 0,
    },
    {
      what: `${what}: memory of the gateway`,
      figure: `${Math.round(grown / MiB)} MiB more`,
      holds: grown <= 100 * MiB,
    },
    {
      what: `${what}: ended by the gateway`,
      figure: `${crowd.endedAfter.length}, the last after ${(last / 1_000).toFixed(1)} s; open for longer ${stuck}`,
      // Who reads, however slowly, is served.
      holds: last <= ENDED_WITHIN && (isReaders || stuck === 0),
    },
  ]
}

async function measure(url: string, seconds: number): Promise<SteadyResult> {
  const config: SteadyConfig = {
    calls: [
      { url: `${url}/mcp-audit/events/1` },
      { url: `${url}/mcp-audit/log`, body: EVENT },
      { url: `${url}/mcp-lineage/models?limit=1` },
    ],
    clients: 16,
    restMs: 20,
  }
  const child = fork(join(import.meta.dirname, 'steady.ts'), [JSON.stringify(config)])
  await sleep(seconds * 1_000)
  const told = once(child, 'message')
  child.send('end')
  const [result] = await told
  return result as SteadyResult
}

/** Resident memory (Linux; elsewhere 0). */
function residentBytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  return (
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024
  )
}
