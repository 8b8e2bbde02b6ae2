import type { ErrorCode } from '@ai-governance/common/errors'
import type { Metrics } from '@ai-governance/common/observability/metrics'
import type { Replica } from './upstreams/replica.ts'
import type { Upstream, Upstreams } from './upstreams/upstreams.ts'

/** Seconds until a service has sent the head of its answer, at most those that the gateway waits. */
const ANSWER_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** What a call to a service may fail with, as its caller is told. */
const UPSTREAM_CODES = [
  'upstream_unavailable',
  'upstream_timeout',
  'upstream_invalid',
  'outcome_unknown',
  'overloaded',
] as const satisfies ErrorCode[]
const isUpstreamCode = (code: ErrorCode): code is (typeof UPSTREAM_CODES)[number] =>
  (UPSTREAM_CODES as readonly ErrorCode[]).includes(code)

/** What the parts of the gateway report to, as it happens. */
export interface GatewayCounters {
  /** One attempt of a call: how long the service took until the head of its answer. */
  onAnswer: (upstream: string, seconds: number) => void
  /** What a proxied request was refused with; codes that do not speak of a service are not counted. */
  onUpstreamFault: (upstream: string, code: ErrorCode) => void
}

/** What the gateway counts; the names are in docs/API.md. `services` are those of its directory. */
export function gatewayCounters(metrics: Metrics, services: Iterable<string>): GatewayCounters {
  const upstream = [...services]
  const answers = metrics.histogram({
    name: 'governance_upstream_answer_seconds',
    help: 'Time until a service had sent the head of its answer',
    labels: { upstream },
    buckets: ANSWER_BUCKETS,
  })
  const faults = metrics.counter({
    name: 'governance_upstream_errors_total',
    help: 'Calls to a service that failed, by what their caller was told',
    labels: { upstream, code: UPSTREAM_CODES },
  })
  return {
    onAnswer: (name, seconds) => answers.observe({ upstream: name }, seconds),
    onUpstreamFault: (name, code) => {
      if (isUpstreamCode(code)) faults.inc({ upstream: name, code })
    },
  }
}

/** What the gateway shows of the services behind it. */
export function registerUpstreamMetrics(metrics: Metrics, upstreams: Upstreams): void {
  const show = (name: string, help: string, read: (upstream: Upstream) => number) =>
    metrics.gauge({ name, help, label: 'upstream' }, () =>
      Object.fromEntries([...upstreams].map(([service, upstream]) => [service, read(upstream)])),
    )
  show(
    'governance_upstream_replicas',
    'Addresses that the name of a service stands for',
    ({ replicas }) => replicas.list.length,
  )
  show(
    'governance_upstream_replicas_up',
    'Addresses of a service that take calls',
    ({ replicas }) => replicas.list.filter(({ state }) => state === 'up').length,
  )
  show('governance_upstream_calls', 'Calls under way at a service', ({ replicas }) =>
    replicas.list.reduce((sum, { busy }) => sum + busy, 0),
  )
  show(
    'governance_upstream_waiting',
    'Calls that wait for a place at a service',
    ({ pool }) => pool.waiting,
  )
  show('governance_upstream_connections', 'Open connections to a service', ({ replicas }) =>
    replicas.list.reduce((sum, replica) => sum + openOf(replica), 0),
  )
}

function openOf(replica: Replica): number {
  return replica.pool('calls').stats.connected + replica.pool('streams').stats.connected
}
