import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '@ai-governance/infra/example-payload'
import { residentBytes } from '@ai-governance/infra/test-support/resident-memory'
import type { Stack } from '@ai-governance/infra/test-support/stack'
import { keepOn, usableCores } from './cores.ts'
import type { Figure } from './figures.ts'
import { EVENT } from './load.ts'
import type { OpenLoop, OpenLoopResult } from './open-loop.ts'

const PROGRAM = join(import.meta.dirname, 'open-loop.ts')
const CONNECTIONS = 900
/** A rate counts as sustained where so much of it is answered 200. */
const SUSTAINED = 0.98
/** Where the search begins, in requests a second. It doubles the rate until it is too much, and then takes small steps. */
const SLOWEST = 250
const STEP = 1.15
const WARM_UP_SECONDS = 5

/**
 * What the gateway does with four times the rate that it can sustain: the rate is raised until answers fail, then
 * four times the last good one is sent for ten seconds, and then, after five, nine tenths of it. Where there are two
 * cores the load has one of its own: what it could not send for want of a processor would count for the gateway.
 */
export async function benchOverload(
  stack: Stack,
  rounds: { seconds: number },
  say: (line: string) => void,
): Promise<Figure[]> {
  const port = Number(new URL(stack.gateway.url).port)
  const pid = stack.gateway.pid() as number
  const cores = usableCores()
  const [own, ...others] = cores
  const loadCore = others.length > 0 ? own : undefined
  if (loadCore === undefined)
    say('overload: the load shares the cores, for want of taskset or of two cores')
  else keepOn(others, process.pid)
  using cleanup = new DisposableStack()
  cleanup.defer(() => keepOn(cores, process.pid))
  const figures: Figure[] = []
  for (const [name, request] of Object.entries(requestsTo(port))) {
    const load = (rate: number, seconds: number) =>
      openLoop(
        { port, request, rate: Math.round(rate), seconds, connections: CONNECTIONS },
        loadCore,
      )
    const peak = await findPeak(load, rounds.seconds, say)
    say(`${name}: ${JSON.stringify(peak)}`)
    const rate = peak.due / rounds.seconds
    const before = residentMiB(pid)
    const over = await load(4 * rate, 10)
    const grown = residentMiB(pid) - before
    say(`${name} at four times the rate: ${JSON.stringify(over)}`)
    await sleep(5_000)
    const after = await load(0.9 * rate, rounds.seconds)
    say(`${name} after it: ${JSON.stringify(after)}`)
    const of = 'the peak'
    figures.push(
      { name: `${name}, sustained`, unit: '/s', values: [peak.goodput] },
      { name: '  99 % answered within', unit: 'ms', values: [peak.p99] },
      {
        ...{ name: '  200 at four times the rate', unit: '/s', values: [over.goodput] },
        ratio: { of, value: over.goodput / peak.goodput },
      },
      {
        ...{ name: '    99 % of them within', unit: 'ms', values: [over.p99] },
        ratio: { of, value: over.p99 / peak.p99 },
      },
      { name: '    gateway grown by', unit: 'MiB', values: [grown] },
      {
        ...{ name: '  200 at 0.9 of the rate, 5 s later', unit: '/s', values: [after.goodput] },
        ratio: { of: 'what was sent', value: after.goodput / (0.9 * rate) },
      },
    )
  }
  return figures
}

/** The run with the highest rate of which all was answered 200. */
async function findPeak(
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
  let best: OpenLoopResult | null = null
  for (let [sustained, factor] = [SLOWEST / 2, 2]; ; ) {
    const result = await sustains(sustained * factor)
    if (result) {
      best = result
      sustained *= factor
    } else if (!best) throw new Error(`not even ${SLOWEST} requests a second are answered 200`)
    else if (factor === STEP) return best
    else factor = STEP
  }
}

async function openLoop(options: OpenLoop, core: number | undefined): Promise<OpenLoopResult> {
  const child = fork(PROGRAM, [JSON.stringify(options)])
  if (core !== undefined) keepOn([core], child.pid as number)
  const [result] = await once(child, 'message')
  return result
}

function requestsTo(port: number): Record<string, string> {
  const host = `Host: 127.0.0.1:${port}\r\n`
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\n${host}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  return {
    'POST /gate': post(
      '/api/v1/gate',
      JSON.stringify({ subject: EVENT.subject, payload: EXAMPLE_PAYLOAD }),
    ),
    'POST /log through the gateway': post('/mcp-audit/log', JSON.stringify(EVENT)),
    'GET /policies through the gateway': `GET /mcp-policy/policies HTTP/1.1\r\n${host}\r\n`,
  }
}

/** Linux; elsewhere NaN. */
function residentMiB(pid: number): number {
  return (residentBytes(pid) || Number.NaN) / 1_048_576
}
