import { hash, randomUUID } from 'node:crypto'
import { canonicalJson, type JsonObject } from '@ai-governance/common/canonical-json'
import { formatMicroseconds } from '@ai-governance/common/timestamps'
import { aibomReasons, assessAibom } from '@ai-governance/policy-engine/aibom-assess'
import { evaluate } from '@ai-governance/policy-engine/evaluate'
import { lateReason } from '@ai-governance/policy-engine/late-reason'
import type { PolicySet } from '@ai-governance/policy-engine/load'
import type { AibomJudge } from './aibom-judge.ts'
import type { Decision } from './answers.ts'

export interface DecisionRules {
  set: PolicySet
  judge: AibomJudge
  /** Whether it denies if there is no verified bill of materials of the model in question. */
  aibomRequired: boolean
  /** A decision that takes longer, in ms, denies. */
  slaMs: number
  /** Hears of a fault inside the engine, which denies and tells the caller nothing. */
  onFault?: (error: unknown) => void
}

/**
 * Decides about a payload at `now`. `elapsedMs` tells how long it has taken since the body was read;
 * it is asked last, so that the judging counts.
 */
export function decide(
  rules: DecisionRules,
  payload: JsonObject,
  now: Date,
  elapsedMs: () => number,
): Decision {
  const { set } = rules
  const judged = rules.judge(payload.aibom)
  const { result: aibom, evidence } = assessAibom(payload, payload.aibom, judged)
  const verdict = evaluate(set, { payload, evidence, now }, rules.onFault)
  const inputDigest = `sha256:${hash('sha256', canonicalJson(payload))}`
  const reasons = [...aibomReasons(aibom, rules.aibomRequired), ...verdict.reasons]
  const elapsed = elapsedMs()
  const withinSla = elapsed <= rules.slaMs
  if (!withinSla) reasons.push(lateReason(rules.slaMs))
  return {
    ...verdict,
    allowed: reasons.length === 0,
    reasons,
    within_sla: withinSla,
    elapsed_ms: Math.round(elapsed * 1000) / 1000,
    decision_id: randomUUID(),
    evaluated_at: formatMicroseconds(now.getTime() * 1000),
    policy: { name: set.name, version: set.version, digest: set.digest },
    input_digest: inputDigest,
    aibom,
  }
}
