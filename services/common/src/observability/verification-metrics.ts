import type { Metrics } from './metrics.ts'

/** Counts what checks of the log or of the lineage find; hands each finding on. */
export function verificationCounter(
  metrics: Metrics,
): <Verdict extends { ok: boolean }>(verdict: Verdict) => Verdict {
  const verifications = metrics.counter({
    name: 'governance_verifications_total',
    help: 'Steps of GET /verify, by what they found',
    labels: { outcome: ['whole', 'fault'] },
  })
  return (verdict) => {
    verifications.inc({ outcome: verdict.ok ? 'whole' : 'fault' })
    return verdict
  }
}
