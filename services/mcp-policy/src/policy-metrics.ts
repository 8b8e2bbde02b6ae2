import type { Metrics } from '@ai-governance/common/observability/metrics'
import type { AibomResult } from '@ai-governance/policy-engine/aibom/result'
import type { Activation } from './activation.ts'
import type { ActivationRecorder } from './activation-recorder.ts'
import type { AibomJudge } from './aibom-judge.ts'
import type { Decision } from './answers.ts'

const STATUSES = [
  'verified',
  'absent',
  'invalid',
  'untrusted_key',
  'unsupported',
] as const satisfies AibomResult['status'][]

/** What the parts of mcp-policy report to, as it happens. */
export interface PolicyCounters {
  onDecision: (decision: Decision) => void
  /** Hears of a fault inside the engine. */
  onFault: () => void
  /** The same judge, whose results are counted. */
  counted: (judge: AibomJudge) => AibomJudge
}

/** What mcp-policy counts; the names are in docs/API.md. */
export function policyCounters(metrics: Metrics): PolicyCounters {
  const decisions = metrics.counter({
    name: 'governance_decisions_total',
    help: 'Decisions, by what they say',
    labels: { outcome: ['allowed', 'denied'] },
  })
  const late = metrics.counter({
    name: 'governance_decisions_late_total',
    help: 'Decisions that took longer than GATE_SLA_MS, and denied for it',
  })
  const faults = metrics.counter({
    name: 'governance_engine_faults_total',
    help: 'Decisions that denied because the policy engine failed',
  })
  const aiboms = metrics.counter({
    name: 'governance_aiboms_total',
    help: 'Bills of materials that were judged, by their status',
    labels: { status: STATUSES },
  })
  return {
    onDecision: ({ allowed, within_sla }) => {
      decisions.inc({ outcome: allowed ? 'allowed' : 'denied' })
      if (!within_sla) late.inc()
    },
    onFault: () => faults.inc(),
    counted: (judge) => (aibom) => {
      const result = judge(aibom)
      aiboms.inc({ status: result.status })
      return result
    },
  }
}

export interface PolicyParts {
  activation: Activation
  /** Null where nothing is recorded. */
  recorder: ActivationRecorder | null
}

/** What mcp-policy shows of the policies that decide. */
export function registerPolicyMetrics(metrics: Metrics, parts: PolicyParts): void {
  const { activation, recorder } = parts
  metrics.gauge(
    {
      name: 'governance_policy_info',
      help: 'Always 1; the label says which policies decide',
      label: 'digest',
    },
    () => ({ [activation.active.set.digest]: 1 }),
  )
  metrics.gauge(
    {
      name: 'governance_policy_activation_timestamp_seconds',
      help: 'When the policies that decide became active in this process',
    },
    () => activation.active.loadedAt.getTime() / 1000,
  )
  metrics.gauge(
    {
      name: 'governance_policy_stale',
      help: 'Whether the folder holds policies that were refused, so that older ones decide, 0 or 1',
    },
    () => Number(activation.stale !== null),
  )
  if (!recorder) return
  metrics.gauge(
    {
      name: 'governance_policy_recorded',
      help: 'Whether the audit log names the policies that decide, 0 or 1',
    },
    () => Number(recorder.isRecorded(activation.active)),
  )
}
