import { readdirSync } from 'node:fs'
import { residentBytes } from '../test-support/resident-memory.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'

/** What was seen of one service at one moment. */
export interface Sample {
  service: string
  /** Since the steady load began. */
  minute: number
  /** In bytes, like `heap` and `external`, which the service tells itself. */
  resident: number
  heap: number
  external: number
  /** The delay of its event loop since the sample before, in ms: 99 % are below. */
  delay: number
  /** Open files and connections. */
  open: number
  /** Requests, calls and events that are under way or wait, by the name of their metric and their labels. */
  queues: Record<string, number>
}

/** What counts up from the start of a service, at its end: errors by code, and answers of status 500. */
export interface Totals {
  service: string
  refusals: Record<string, number>
  failures: number
}

/** Metrics that must be 0 again once nothing is asked. */
const QUEUES = [
  'http_requests_in_flight',
  'governance_append_waiting',
  'governance_database_waiting',
  'governance_database_connections_used',
  'governance_upstream_calls',
  'governance_upstream_waiting',
]
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/

/** A metric in the text format of Prometheus, without the label `service`, which all of them have. */
export interface Metric {
  name: string
  labels: Record<string, string>
  value: number
}

/** Reads what /metrics answers. */
export function parseMetrics(text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key, of] as const)
    const own = Object.fromEntries(pairs.filter(([key]) => key !== 'service'))
    return [{ name, labels: own, value: Number(value) }]
  })
}

async function scrape({ metricsUrl }: ServiceProcess): Promise<Metric[]> {
  return parseMetrics(await (await fetch(metricsUrl)).text())
}

/** Looks at a service that runs. */
export async function sample(service: string, of: ServiceProcess, minute: number): Promise<Sample> {
  const metrics = await scrape(of)
  const value = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN
  const pid = of.pid() as number
  return {
    service,
    minute,
    resident: residentBytes(pid),
    heap: value('nodejs_heap_size_used_bytes'),
    external: value('nodejs_external_memory_bytes'),
    delay: 1_000 * value('nodejs_eventloop_lag_p99_seconds'),
    open: readdirSync(`/proc/${pid}/fd`).length,
    queues: queuesIn(metrics),
  }
}

function queuesIn(metrics: readonly Metric[]): Record<string, number> {
  const queues = metrics.filter(({ name }) => QUEUES.includes(name))
  return Object.fromEntries(
    queues.map(({ name, labels, value }) => {
      const [of] = Object.values(labels)
      return [of === undefined ? name : `${name} ${of}`, value]
    }),
  )
}

/** What a service has counted since it started. */
export async function totals(service: string, of: ServiceProcess): Promise<Totals> {
  const metrics = await scrape(of)
  const refusals = metrics.filter(
    ({ name, value }) => name === 'governance_refusals_total' && value > 0,
  )
  const failures = metrics.filter(
    ({ name, labels }) => name === 'http_request_duration_seconds_count' && labels.status === '500',
  )
  return {
    service,
    refusals: Object.fromEntries(refusals.map(({ labels, value }) => [labels.code ?? '', value])),
    failures: failures.reduce((sum, { value }) => sum + value, 0),
  }
}
