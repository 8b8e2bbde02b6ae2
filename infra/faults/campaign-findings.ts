import type { CampaignResult, Strike } from './campaign.ts'
import type { Fault } from './faults.ts'
import { type Finding, middleAndMost } from './findings.ts'
import { answersOf } from './load/history.ts'

/** I7: what a run without such a load shows is little. */
const LEAST_RATE = 100

/** The report of a campaign. `isMeasured` also judges times and rates, which says nothing of a run of moments. */
export function campaignFindings(result: CampaignResult, isMeasured: boolean): Finding[] {
  const { strikes, history, violations, entries, checkpoints } = result
  const faults = [...new Set(strikes.map(({ fault }) => fault))]
  const requests = history.requests.size
  const doubts = [...history.requests.values()].filter((request) => request.doubts > 0).length
  const answers = [...answersOf(history)].map(([answer, times]) => `${times} × ${answer}`)
  return [
    ...faults.flatMap((fault) => faultFindings(fault, result, isMeasured)),
    {
      what: 'requests and entries',
      figure: `${requests} requests, ${history.ackedAt.length} acknowledgements, ${entries} entries`,
      holds: null,
    },
    {
      what: 'in doubt, then asked for again',
      figure: `${doubts} requests, each there once`,
      holds: violations.every(({ invariant }) => invariant !== 'I4'),
    },
    { what: 'other answers', figure: answers.join(', ') || 'none', holds: null },
    {
      what: 'checkpoints that both verifiers hold against the export',
      figure: `${checkpoints}, and ${history.proofs.length} proofs in answers`,
      holds: null,
    },
    {
      what: 'I1 to I6',
      figure: violations.length === 0 ? 'hold' : 'do not hold',
      holds: violations.length === 0,
    },
    ...violations.map(({ invariant, what, times }) => ({
      what: `  ${invariant}`,
      figure: times > 1 ? `${what} (and ${times - 1} more)` : what,
      holds: false,
    })),
  ]
}

function faultFindings(fault: Fault, { strikes, history }: CampaignResult, isMeasured: boolean) {
  const { ackedAt } = history
  const own = strikes.filter((strike) => strike.fault === fault)
  const healthy = own.map(({ at, healthyAt }) => healthyAt - at)
  const firstAck = ({ healthyAt }: Strike) => ackedAt[indexFrom(ackedAt, healthyAt)] ?? Infinity
  const acknowledged = own.map((strike) => firstAck(strike) - strike.at)
  const rates = own.flatMap((strike) => [
    countBetween(ackedAt, strike.at - 1_000, strike.at),
    countBetween(ackedAt, firstAck(strike), firstAck(strike) + 1_000),
  ])
  const within = (times: number[], goal: number) =>
    isMeasured ? times.every((time) => time <= goal) : null
  const findings: Finding[] = [
    { what: `${fault.name}`, figure: `${own.length} times`, holds: null },
    {
      what: `  healthy after (goal ${fault.goal.healthy} ms)`,
      figure: middleAndMost(healthy),
      holds: within(healthy, fault.goal.healthy),
    },
    {
      what: `  acknowledges again after (goal ${fault.goal.acknowledged} ms)`,
      figure: middleAndMost(acknowledged),
      holds: within(acknowledged, fault.goal.acknowledged),
    },
  ]
  if (isMeasured && fault.isSudden) {
    const least = Math.min(...rates)
    findings.push({
      what: `  I7 acknowledged in the second before and after (above ${LEAST_RATE})`,
      figure: `least ${least}`,
      holds: least > LEAST_RATE,
    })
  }
  return findings
}

/** The index of the first number that is at least `from`, in numbers that are in order. */
function indexFrom(sorted: readonly number[], from: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}

export function countBetween(sorted: readonly number[], from: number, to: number): number {
  return indexFrom(sorted, to) - indexFrom(sorted, from)
}
