import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processorTime } from '../../test-support/processor-time.ts'
import { type Finding, p99 } from '../findings.ts'
import { INVARIANTS } from '../invariants.ts'
import type { World } from '../world.ts'
import type { CrowdConfig } from './crowd.ts'
import type { OpenLoopConfig, OpenLoopResult } from './open-loop.ts'

/** What the others ask for in a second. Far below what is possible: it is not them who make themselves wait. */
const PER_SECOND = 50
const EVENT = '{"event_type":"model.deployed","subject":"fraud@1","decision":true}'

/** Callers of mcp-audit who do nothing wrong read an entry and append one in turn, for so many seconds. */
export function askOthers(url: string, seconds: number): Promise<OpenLoopResult> {
  return askSteadily({
    calls: [{ url: `${url}/mcp-audit/events/1` }, { url: `${url}/mcp-audit/log`, body: EVENT }],
    perSecond: PER_SECOND,
    requests: PER_SECOND * seconds,
  })
}

/** Asks as {@link OpenLoopConfig} says, in a process of its own. */
export function askSteadily(config: OpenLoopConfig): Promise<OpenLoopResult> {
  return startProgram<OpenLoopResult>('open-loop.ts', config).told
}

/** How the others fared: the slowest hundredth at most `most` times as slow, and none refused. */
export function judgeOthers(
  what: string,
  { before, during }: { before: readonly OpenLoopResult[]; during: readonly OpenLoopResult[] },
  most: number,
): Finding[] {
  const timesOf = (results: readonly OpenLoopResult[]) =>
    results.flatMap((result) => result[200] ?? [])
  const [usual, now] = [p99(timesOf(before)), p99(timesOf(during))]
  const each = (results: readonly OpenLoopResult[]) =>
    results.map((result) => p99(result[200] ?? []).toFixed(1)).join(' and ')
  const refused = during.flatMap((result) =>
    Object.entries(result).flatMap(([came, { length }]) =>
      came === '200' ? [] : [`${length} × ${came}`],
    ),
  )
  return [
    {
      what: `${what}: 99 % of ${timesOf(during).length} others answered`,
      figure: `within ${now.toFixed(1)} ms (${each(during)}), without them ${usual.toFixed(1)} (${each(before)})`,
      holds: now <= most * usual,
      isHeadline: true,
    },
    {
      what: `${what}: others refused or cut`,
      figure: refused.join(', ') || 'none',
      holds: refused.length === 0,
      invariants: ['I6'],
    },
  ]
}

/** I2, read past every service. */
export async function judgeChain(world: World): Promise<Finding> {
  const { chainFault, hashes } = await world.readFacts()
  return {
    what: `I2 ${INVARIANTS.I2}`,
    figure: chainFault ?? `holds over ${hashes.length} entries`,
    holds: chainFault === null,
    invariants: ['I2'],
  }
}

/** Runs `work` and says how much of a processor each process had meanwhile. */
export async function busyDuring(world: World, work: () => Promise<unknown>): Promise<string> {
  const { gateway, audits, server } = world
  const postgres = Number(
    readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0],
  )
  const pids = {
    gateway: gateway?.pid() as number,
    'mcp-audit': audits[0]?.pid() as number,
    PostgreSQL: postgres,
  }
  const timesOf = () => Object.values(pids).map(processorTime)
  const [startedAt, before] = [performance.now(), timesOf()]
  await work()
  const [us, after] = [1_000 * (performance.now() - startedAt), timesOf()]
  return Object.keys(pids)
    .map((name, i) => `${name} ${Math.round((100 * (after[i]! - before[i]!)) / us)} %`)
    .join(', ')
}

/** Starts a program of this folder; `told` is its result, or rejects where it ends without one. */
export function startProgram<Result>(script: string, config: CrowdConfig | OpenLoopConfig) {
  const child = fork(join(import.meta.dirname, script), [JSON.stringify(config)])
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`${script} ended with ${code} and told nothing`)
  })
  const told = Promise.race([once(child, 'message').then(([result]): Result => result), ended])
  // Whoever waits for it is told; until somebody does it is nobody's fault.
  told.catch(() => {})
  return { child, told }
}
