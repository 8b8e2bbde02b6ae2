import type { Finding } from '../faults/findings.ts'
import type { Told } from './load/tally.ts'
import type { Sample, Totals } from './samples.ts'
import type { LoggedErrors } from './service-logs.ts'
import { type Slope, slopeOf } from './slope.ts'

const MIB = 1_048_576
/** No service may grow by more, in MiB a minute. */
const MOST_SLOPE = 1
/** Less than so many minutes behind the warm-up say nothing about a slope: the heap of V8 still finds its size. */
const JUDGED_MINUTES = 10
/** The first part of a run is warm-up. */
const WARM_UP = 1 / 3
/** At most this share of the honest may be told to come back; not judged in a short run, where one stall counts much. */
const MOST_REFUSED = 0.01

/** And at most this share of all that were due may be unsent: else the load was not there that the slopes are judged under. */
const MOST_UNSENT = 0.01

/** What was seen of the services, at all times and at the end. */
export interface Seen {
  told: Told
  samples: readonly Sample[]
  /** After the load had ended. */
  rest: readonly Sample[]
  totals: readonly Totals[]
  errors: ReadonlyMap<string, LoggedErrors>
}

/** All that a run without faults must show of answers, memory, queues and logs. */
export function judgeRun(seen: Seen): Finding[] {
  const { told, samples, rest, totals, errors } = seen
  return [
    ...judgeAnswers(told, isLong(samples)),
    judgeFailures(totals),
    ...servicesOf(samples).flatMap((service) => [
      judgeMemory(service, samples),
      tellDelay(service, samples),
    ]),
    judgeQueues(samples, rest),
    ...[...errors].map(([service, found]) => judgeErrors(service, found)),
  ]
}

const round = (value: number, digits = 1) => value.toFixed(digits)

function judgeAnswers(told: Told, isLong: boolean): Finding[] {
  const { counts, unexpected, honest, capacity, rate, due, unsent, ended, stuck } = told
  const all = Object.values(counts).flatMap((own) => Object.entries(own))
  const total = all.reduce((sum, [, times]) => sum + times, 0)
  const [first, ...others] = Object.entries(unexpected)
  return [
    {
      what: 'the load',
      figure: `${round(rate)} honest requests a second, of ${round(capacity)} at most; ${unsent} of ${due} requests not sent in time`,
      holds: isLong ? unsent <= MOST_UNSENT * due : null,
    },
    {
      what: 'answers that are not as they should be',
      figure: first
        ? `${first[0]}, ${first[1].times} times (${first[1].what}), and ${others.length} other sorts`
        : `none of ${total}`,
      holds: first === undefined && total > 0,
    },
    {
      what: 'honest requests that were told to come back',
      figure: `${honest.refused} of ${honest.answered}`,
      holds: isLong ? honest.refused <= MOST_REFUSED * honest.answered : null,
    },
    {
      what: 'connections that were slow on purpose',
      figure: `${ended} ended by the gateway, ${stuck} not`,
      holds: stuck === 0,
    },
  ]
}

function judgeFailures(totals: readonly Totals[]): Finding {
  const failures = totals.reduce((sum, one) => sum + one.failures, 0)
  const codes = totals.flatMap(({ service, refusals }) =>
    Object.entries(refusals)
      .filter(([code]) => SERVER_CODES.includes(code))
      .map(([code, times]) => `${times} ${code} of ${service}`),
  )
  return {
    what: 'answers of status 500',
    figure: `${failures}; others of the servers: ${codes.join(', ') || 'none'}`,
    holds: failures === 0,
  }
}

/** docs/API.md, "Errors", the statuses from 500 on. */
const SERVER_CODES = [
  ...['internal_error', 'upstream_invalid', 'upstream_timeout', 'database_unavailable'],
  ...['database_busy', 'outcome_unknown', 'not_recorded', 'overloaded', 'upstream_unavailable'],
  ...['not_ready', 'stopping', 'signing_key_missing', 'signer_state_missing', 'signer_refused'],
]

function servicesOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.map(({ service }) => service))]
}

/** Those of a service after the warm-up; its last sample says how long the run was. */
function settled(service: string, samples: readonly Sample[]): Sample[] {
  const own = samples.filter((one) => one.service === service)
  const end = own.at(-1)?.minute ?? 0
  return own.filter(({ minute }) => minute >= WARM_UP * end)
}

/** Whether there is enough behind the warm-up to judge by; samples lie seconds apart. */
function isLong(samples: readonly Sample[]): boolean {
  return (1 - WARM_UP) * (samples.at(-1)?.minute ?? 0) >= JUDGED_MINUTES - 0.1
}

/** The slope of a service's memory after the warm-up, in MiB a minute; null of less than two samples. */
export function memorySlope(
  service: string,
  samples: readonly Sample[],
  of: (sample: Sample) => number,
): Slope | null {
  const points = settled(service, samples).map((one) => ({
    minute: one.minute,
    value: of(one) / MIB,
  }))
  return points.length < 2 ? null : slopeOf(points)
}

function judgeMemory(service: string, samples: readonly Sample[]): Finding {
  const what = `memory of ${service}`
  const slope = memorySlope(service, samples, ({ resident }) => resident)
  const heap = memorySlope(service, samples, (one) => one.heap)
  const own = settled(service, samples)
  const [first, last] = [own[0], own.at(-1)]
  if (!slope || !heap || !first || !last) return { what, figure: 'too few samples', holds: false }
  const minutes = last.minute - first.minute
  const most = Math.max(...own.map(({ resident }) => resident))
  const figure =
    `${round(slope.slope, 2)} MiB a minute (${round(slope.low, 2)} to ${round(slope.high, 2)}) over ` +
    `${round(minutes)} min; heap ${round(heap.slope, 2)}; at most ${round(most / MIB, 0)} MiB`
  return { what, figure, holds: isLong(samples) ? slope.slope <= MOST_SLOPE : null }
}

function tellDelay(service: string, samples: readonly Sample[]): Finding {
  const delays = settled(service, samples)
    .map(({ delay }) => delay)
    .sort((one, other) => one - other)
  const [half, most] = [delays[delays.length >> 1] ?? 0, delays.at(-1) ?? 0]
  const figure = `p99 of five seconds: ${round(half)} ms in the middle, ${round(most)} ms at most`
  return { what: `event loop of ${service}`, figure, holds: null }
}

/** What is under way or waits, at most while there was load; and nothing may be left of it afterwards. */
function judgeQueues(samples: readonly Sample[], rest: readonly Sample[]): Finding {
  const most = new Map<string, number>()
  for (const { service, queues } of samples) {
    for (const [name, value] of Object.entries(queues)) {
      const key = `${name} of ${service}`
      most.set(key, Math.max(value, most.get(key) ?? 0))
    }
  }
  const left = rest.flatMap(({ service, queues }) =>
    Object.entries(queues)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => `${value} ${name} of ${service}`),
  )
  const [deepest] = [...most].sort(([, one], [, other]) => other - one)
  return {
    what: 'queues are empty after the load',
    figure: left.join(', ') || `all; the deepest on the way was ${deepest?.join(' with ')}`,
    holds: left.length === 0 && rest.length > 0,
  }
}

function judgeErrors(service: string, { explained, others }: LoggedErrors): Finding {
  const [first] = Object.values(others)
  const reasons = Object.entries(explained).map(([msg, times]) => `${times} × ${msg}`)
  return {
    what: `errors that ${service} logged`,
    figure: first
      ? `${first.times} × ${first.line}; ${Object.keys(others).length} sorts`
      : `none without a reason (${reasons.join(', ') || 'none at all'})`,
    holds: first === undefined,
  }
}
