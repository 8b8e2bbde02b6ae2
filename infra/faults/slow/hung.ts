import { setTimeout as sleep } from 'node:timers/promises'
import type { Finding } from '../findings.ts'
import type { World } from '../world.ts'
import type { OpenLoopResult } from './open-loop.ts'
import { askOthers, askSteadily, busyDuring, judgeChain, judgeOthers } from './others.ts'

/** How many ask the service that hangs in a second: within the 10 s of one answer more than it has places for. */
const PER_SECOND = 40
const ROUNDS = 2
/** The longest that a caller of a service that hangs waits, in ms. */
const LONGEST = 11_000
/** For how long the service may be busy with what it was sent before it hung, in ms. */
const COMES_BACK = 5_000

/**
 * What a service that hangs does to its callers and to those of the others (docs/OPERATIONS.md): its own are told
 * within 11 s, the slowest hundredth of the others is at most half as slow again.
 */
export async function hungDrill(
  world: World,
  { seconds }: { seconds: number },
  say: (line: string) => void,
): Promise<Finding[]> {
  const { gateway, policy } = world
  if (!gateway || !policy) throw new Error('this drill needs a gateway and mcp-policy')
  const others = () => askOthers(gateway.url, seconds)
  const callHung = { url: `${gateway.url}/mcp-policy/validate`, body: '{"payload":{}}' }
  const before: OpenLoopResult[] = []
  const during: OpenLoopResult[] = []
  const hung: OpenLoopResult[] = []
  const after: OpenLoopResult[] = []
  await others()
  for (let round = 0; round < ROUNDS; round++) {
    say(`mcp-policy answers: ${await busyDuring(world, async () => before.push(await others()))}`)
    const pid = policy.pid() as number
    process.kill(pid, 'SIGSTOP')
    try {
      const calls = { calls: [callHung], perSecond: PER_SECOND, requests: PER_SECOND * seconds }
      const asked = askSteadily(calls)
      say(`mcp-policy hangs: ${await busyDuring(world, async () => during.push(await others()))}`)
      hung.push(await asked)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await sleep(COMES_BACK)
    after.push(await askSteadily({ calls: [callHung], perSecond: PER_SECOND, requests: 100 }))
  }
  return [
    judgeHung(hung),
    judgeAfter(after),
    ...judgeOthers('a service hangs', { before, during }, 1.5),
    await judgeChain(world),
  ]
}

/**
 * All are told 504 or, where the gateway has no place for one more, 503. Some must be 504: with 503 alone nobody would
 * have waited for a service that hangs.
 */
export function judgeHung(hung: readonly OpenLoopResult[]): Finding {
  const answers = hung.flatMap((result) => Object.entries(result))
  const last = answers.flatMap(([, times]) => times).reduce((most, ms) => Math.max(most, ms), 0)
  const isTold = answers.every(([came]) => came === '504' || came === '503')
  const isSome504 = answers.some(([came]) => came === '504')
  return {
    what: 'a service hangs: its callers are told',
    figure: `${countsOf(answers)}, the last after ${(last / 1_000).toFixed(1)} s`,
    holds: last <= LONGEST && isTold && isSome504,
    invariants: ['I6'],
  }
}

function judgeAfter(after: readonly OpenLoopResult[]): Finding {
  const answers = after.flatMap((result) => Object.entries(result))
  return {
    what: `a service hangs: ${COMES_BACK / 1_000} s after it goes on`,
    figure: countsOf(answers),
    holds: answers.every(([came]) => came === '200'),
  }
}

function countsOf(answers: readonly (readonly [string, readonly number[]])[]): string {
  const counts = new Map<string, number>()
  for (const [came, { length }] of answers) counts.set(came, (counts.get(came) ?? 0) + length)
  return [...counts].map(([came, count]) => `${count} × ${came}`).join(', ')
}
