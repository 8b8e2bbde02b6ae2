import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { watchResident } from '@ai-governance/infra/test-support/resident-memory'
import { GOALS } from '../goals.ts'
import { keepOn, usableCores } from '../load/cores.ts'
import { openLoop } from '../load/load.ts'
import type { OpenLoopResult } from '../load/open-loop.ts'
import { findPeak } from '../load/peak.ts'
import { type Call, requestText } from '../load/request-text.ts'
import type { Figure, Ratio } from '../report/figures.ts'
import { EVENT } from './event.ts'
import { type Ground, readsProc } from './ground.ts'

const CONNECTIONS = 900
/** A rate counts as sustained where so much of it is answered 200. */
const SUSTAINED = 0.98
/** Where the search for the peak begins, in requests a second. */
const SLOWEST = 250
const WARM_UP_SECONDS = 5
const MIB = 1_048_576

/**
 * What the gateway does with four times the rate that it can sustain: the rate is raised until answers fail, then
 * four times the last good one is sent for ten seconds, and then, after five, nine tenths of it. Where there are two
 * cores the load has one of its own: what it could not send for want of a processor would count for the gateway.
 */
export async function benchOverload(ground: Ground): Promise<Figure[]> {
  const { stack, rounds, say } = ground
  const pid = stack.gateway.pid() as number
  const hasProc = readsProc(ground, 'growth of mcp-gateway')
  const cores = usableCores()
  const [own, ...others] = cores
  const loadCore = others.length > 0 ? own : undefined
  if (loadCore === undefined)
    say('overload: the load shares the cores, for want of taskset or of two cores')
  else keepOn(others, process.pid)
  using cleanup = new DisposableStack()
  cleanup.defer(() => keepOn(cores, process.pid))
  const figures: Figure[] = []
  for (const [name, call] of Object.entries(callsTo(stack.gateway.url))) {
    const { port, text } = requestText(call)
    const load = (rate: number, seconds: number) =>
      openLoop(
        { port, requests: [text], rate: Math.round(rate), seconds, connections: CONNECTIONS },
        (loadPid) => loadCore !== undefined && keepOn([loadCore], loadPid),
      )
    const peak = await peakOf(load, rounds.seconds, say)
    say(`${name}: ${JSON.stringify(peak)}`)
    const rate = peak.due / rounds.seconds
    const { result: over, grown } = await whileWatched(pid, () => load(4 * rate, 10))
    say(`${name} at four times the rate: ${JSON.stringify(over)}`)
    await sleep(5_000)
    const after = await load(0.9 * rate, rounds.seconds)
    say(`${name} after it: ${JSON.stringify(after)}`)
    figures.push(...figuresOf(name, { peak, over, after, grown: hasProc ? grown : null, rate }))
  }
  return figures
}

function figuresOf(
  name: string,
  shown: Record<'peak' | 'over' | 'after', OpenLoopResult> & { grown: number | null; rate: number },
): Figure[] {
  const { peak, over, after, grown, rate } = shown
  const row = (what: string, unit: string, value: number, ratio?: Ratio): Figure => ({
    ...{ name, what, unit, values: [value] },
    ...(ratio && { ratios: [ratio] }),
  })
  const of = 'the peak'
  return [
    row('sustained', '/s', peak.goodput),
    row('99 % within', 'ms', peak.p99),
    row('200 at four times the rate', '/s', over.goodput, {
      ...{ of, values: [over.goodput / peak.goodput], goal: GOALS.overloadGoodput },
    }),
    row('99 % of those within', 'ms', over.p99, {
      ...{ of, values: [over.p99 / peak.p99], goal: GOALS.overloadTime },
    }),
    ...(grown === null ? [] : [row('growth of mcp-gateway at most', 'MiB', grown)]),
    row('200 at 0.9 of the rate, 5 s later', '/s', after.goodput, {
      ...{ of: 'what was sent', values: [after.goodput / (0.9 * rate)] },
    }),
  ]
}

/** The run with the highest rate of which all was answered 200. */
async function peakOf(
  load: (rate: number, seconds: number) => Promise<OpenLoopResult>,
  seconds: number,
  say: (line: string) => void,
): Promise<OpenLoopResult> {
  // Twice, because a machine that is busy with something else for a moment is no limit of the gateway.
  const sustains = async (rate: number): Promise<OpenLoopResult | null> => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const result = await load(rate, seconds)
      say(`${Math.round(rate)}/s: ${JSON.stringify(result)}`)
      if (result.goodput >= SUSTAINED * rate) return result
    }
    return null
  }
  // Code that was never run is no limit either.
  await load(SLOWEST, WARM_UP_SECONDS)
  return findPeak(SLOWEST, sustains)
}

/** Does `work`, and says by how many MiB a process grew meanwhile, at most. */
async function whileWatched<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ result: T; grown: number }> {
  const watched = watchResident(pid)
  const result = await work().finally(() => watched.end())
  const { first, most } = watched.end()
  return { result, grown: (most - first) / MIB }
}

function callsTo(gateway: string): Record<string, Call> {
  return {
    'POST /gate': {
      url: `${gateway}/api/v1/gate`,
      body: { subject: EVENT.subject, payload: EXAMPLE_PAYLOAD },
    },
    'POST /log through the gateway': { url: `${gateway}/mcp-audit/log`, body: EVENT },
    'GET /policies through the gateway': { url: `${gateway}/mcp-policy/policies` },
  }
}
