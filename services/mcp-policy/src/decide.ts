import { hash, randomUUID } from 'node:crypto'
import { canonicalJson, type JsonObject } from '@ai-governance/common/canonical-json'
import { formatMicroseconds } from '@ai-governance/common/timestamps'
import { evaluate } from '@ai-governance/policy-engine/evaluate'
import type { PolicySet } from '@ai-governance/policy-engine/load'
import { evidenceOf, judgeAibom } from './aibom.ts'
import type { AibomKey } from './aibom-keys.ts'
import type { AibomResult, Decision } from './answers.ts'

export interface DecisionRules {
  set: PolicySet
  keys: readonly AibomKey[]
  /** Whether a bill of materials that is not verified denies. */
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
  const aibom = judgeAibom(payload.aibom, rules.keys)
  const evidence = evidenceOf(payload, aibom)
  const verdict = evaluate(set, { payload, evidence, now }, rules.onFault)
  const inputDigest = `sha256:${hash('sha256', canonicalJson(payload))}`
  const reasons = [...aibomReasons(aibom, rules.aibomRequired), ...verdict.reasons]
  const elapsed = elapsedMs()
  const withinSla = elapsed <= rules.slaMs
  if (!withinSla) reasons.push(`The decision took longer than the ${rules.slaMs} ms it may take.`)
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

/** An invalid bill always denies: it was tampered with. The other states count as no bill at all. */
function aibomReasons(aibom: AibomResult, required: boolean): string[] {
  if (aibom.status === 'invalid') return [`The AI bill of materials is not valid: ${aibom.reason}.`]
  if (aibom.status === 'verified' || !required) return []
  const why = aibom.reason === null ? aibom.status : `${aibom.status}, ${aibom.reason}`
  return [`A verified AI bill of materials is required (${why}).`]
}
