import type { CampaignResult, Strike } from './campaign.ts'
import type { FaultFacts } from './faults.ts'
import { type Finding, middleAndMost } from './findings.ts'
import { INVARIANTS, type Invariant, type Violation } from './invariants.ts'
import { answersOf, type History } from './load/history.ts'

/** I7: what a run without such a load shows is little. */
const LEAST_RATE = 100

/** The report of a campaign. `isTimed` also judges times and rates, which says nothing of a run of moments. */
export function campaignFindings(result: CampaignResult, isTimed: boolean): Finding[] {
  const { strikes, history, violations, entries, checkpoints } = result
  const faults = [...new Set(strikes.map(({ fault }) => fault))]
  const requests = history.requests.size
  const doubts = [...history.requests.values()].filter((request) => request.doubts > 0).length
  const answers = [...answersOf(history)].map(([answer, times]) => `${times} × ${answer}`)
  return [
    ...faults.flatMap((fault) => faultFindings(fault, result, isTimed)),
    {
      what: 'requests and entries',
      figure: `${requests} requests, ${history.ackedAt.length} acknowledgements, ${entries} entries`,
      holds: null,
      isHeadline: true,
    },
    {
      what: 'in doubt, then asked for again',
      figure: `${doubts} requests`,
      holds: null,
    },
    { what: 'other answers', figure: answers.join(', ') || 'none', holds: null },
    {
      what: 'checkpoints that both verifiers hold against the export',
      figure: `${checkpoints}, and ${history.proofs.length} proofs in answers`,
      holds: null,
    },
    ...judged(violations, history, result.mostDoubts),
    loadFinding(result, isTimed),
  ]
}

/** What every run with a load under keys is judged by. */
const JUDGED = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6'] as const

/**
 * One line for each of I1 to I6, with how it is violated, or what was judged. I5 is judged only where something that
 * must be attested was acknowledged.
 *
 * @param mostDoubts what `violations` was told, undefined where doubts were not counted
 */
export function judged(
  violations: readonly Violation[],
  { ackedAtOf }: Pick<History, 'ackedAtOf'>,
  mostDoubts: number | undefined,
): Finding[] {
  const [registered = 0, decided = 0] = (['register', 'gate'] as const).map(
    (kind) => ackedAtOf.get(kind)?.length ?? 0,
  )
  const held: Partial<Record<Invariant, string>> = {
    I4:
      mostDoubts === undefined
        ? 'holds when asked for again; how many are in doubt is not counted here'
        : `holds; after each fault at most ${mostDoubts} were in doubt`,
    I5: `holds for ${registered} registrations and ${decided} decisions`,
  }
  return JUDGED.map((invariant) => {
    const own = violations.filter((one) => one.invariant === invariant)
    const said = own.map(({ what, times }) =>
      times > 1 ? `${what} (and ${times - 1} more)` : what,
    )
    const isEmpty = invariant === 'I5' && registered + decided === 0
    return {
      what: `${invariant} ${INVARIANTS[invariant]}`,
      figure: said.join('; ') || (isEmpty ? 'nothing to attest' : (held[invariant] ?? 'holds')),
      holds: own.length === 0 ? (isEmpty ? null : true) : false,
      invariants: [invariant],
    }
  })
}

/**
 * I7. Where strikes follow one another within moments there is no second between them: then before the first and
 * after the last.
 */
function loadFinding({ strikes, history: { ackedAt } }: CampaignResult, isTimed: boolean): Finding {
  const isSudden = strikes.every(({ fault }) => fault.isSudden)
  const [first, last] = [strikes[0], strikes.at(-1)]
  const befores = isSudden ? strikes : first ? [first] : []
  const afters = isSudden ? strikes : last ? [last] : []
  const back = afters.map(({ healthyAt }) => ackedAt[indexFrom(ackedAt, healthyAt)] ?? Infinity)
  const rates = [
    ...befores.map(({ at }) => countBetween(ackedAt, at - 1_000, at)),
    ...back.map((at) => countBetween(ackedAt, at, at + 1_000)),
  ]
  return loadIsWorth(rates, isTimed)
}

/** I7 over what was acknowledged in the seconds before and after; only told where nothing is timed. */
export function loadIsWorth(rates: readonly number[], isTimed: boolean): Finding {
  const least = Math.min(...rates)
  return {
    what: `I7 ${INVARIANTS.I7}`,
    figure: rates.length > 0 ? `least ${least}` : 'nothing was struck',
    holds: isTimed ? rates.length > 0 && least > LEAST_RATE : null,
    invariants: ['I7'],
  }
}

function faultFindings(
  fault: FaultFacts,
  { strikes, history }: CampaignResult,
  isTimed: boolean,
): Finding[] {
  const ackedAt = fault.kind ? (history.ackedAtOf.get(fault.kind) ?? []) : history.ackedAt
  const own = strikes.filter((strike) => strike.fault === fault)
  const healthy = own.map(({ at, healthyAt }) => healthyAt - at)
  const firstAck = ({ healthyAt }: Strike) => ackedAt[indexFrom(ackedAt, healthyAt)] ?? Infinity
  const acknowledged = own.map((strike) => firstAck(strike) - strike.at)
  const within = (times: number[], goal: number) =>
    isTimed ? times.every((time) => time <= goal) : null
  return [
    { what: fault.name, figure: `${own.length} times`, holds: null, isHeadline: true },
    {
      what: `  healthy after (goal ${fault.goal.healthy} ms)`,
      figure: middleAndMost(healthy),
      holds: within(healthy, fault.goal.healthy),
    },
    {
      what: `  acknowledges ${fault.kind ? `${fault.kind} ` : ''}again after (goal ${fault.goal.acknowledged} ms)`,
      figure: middleAndMost(acknowledged),
      holds: within(acknowledged, fault.goal.acknowledged),
      isHeadline: true,
    },
  ]
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
