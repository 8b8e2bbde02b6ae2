import { hash } from 'node:crypto'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { formatMicroseconds } from '@ai-governance/common/formats/timestamps'
import { aibomReasons, assessAibom } from './aibom/assess.ts'
import type { AibomResult } from './aibom/result.ts'
import { evaluate, type Verdict } from './evaluate.ts'
import type { PolicySet } from './policy-set.ts'

/** By what a request is decided. */
export interface DecisionRules {
  readonly set: PolicySet
  /** Whether it denies if there is no verified bill of materials of the model in question. */
  readonly aibomRequired: boolean
  /** A decision that takes longer, in ms, denies. */
  readonly slaMs: number
  /** Hears of a fault inside the engine, which denies and tells the caller nothing. */
  readonly onFault?: ((error: unknown) => void) | undefined
}

/** One request to decide about. */
export interface DecisionRequest {
  /** Attacker-controlled. */
  readonly payload: JsonObject
  /** What is known of the signature of `payload.aibom`. */
  readonly aibom: Readonly<AibomResult>
  readonly now: Date
  /** What the decision is called: a UUID. */
  readonly id: string
  /** How long it has taken so far, in ms; asked last, so that the judging counts. */
  readonly elapsedMs: () => number
}

/** The whole answer about a request, named as on the wire. */
export interface Decision extends Verdict {
  within_sla: boolean
  /** In whole microseconds. */
  elapsed_ms: number
  decision_id: string
  /** RFC 3339 in UTC with six decimals. */
  evaluated_at: string
  policy: { name: string; version: string; digest: string }
  /** docs/FORMATS.md, "Digests". */
  input_digest: string
  aibom: AibomResult
}

/**
 * Decides about a request: pure, so that a replay of the record makes the same answer, member by member. What the
 * policies say is joined by what the bill of materials and the time taken say.
 */
export function decisionOf(rules: DecisionRules, request: DecisionRequest): Decision {
  const { set, aibomRequired, slaMs, onFault } = rules
  const { payload, now, id } = request
  const { result: aibom, evidence } = assessAibom(payload, payload.aibom, request.aibom)
  const verdict = evaluate(set, { payload, evidence, now }, onFault)
  const input_digest = `sha256:${hash('sha256', canonicalJson(payload))}`
  const reasons = [...aibomReasons(aibom, aibomRequired), ...verdict.reasons]
  // Rounded before it is compared: the record has no more than this to compare again.
  const elapsed_ms = Math.round(request.elapsedMs() * 1000) / 1000
  const within_sla = elapsed_ms <= slaMs
  if (!within_sla) reasons.push(lateReason(slaMs))
  return {
    ...verdict,
    allowed: reasons.length === 0,
    reasons,
    within_sla,
    elapsed_ms,
    decision_id: id,
    evaluated_at: formatMicroseconds(now.getTime() * 1000),
    policy: { name: set.name, version: set.version, digest: set.digest },
    input_digest,
    aibom,
  }
}

/** Why a decision denies that took longer than `slaMs`; a replay says the same sentence. */
function lateReason(slaMs: number): string {
  return `The decision took longer than the ${slaMs} ms it may take.`
}
