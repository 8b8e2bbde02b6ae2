import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { bindBom, bindData, UNBOUND_REASONS, type UnboundReason } from './binding.ts'
import { evidenceOfModel } from './evidence.ts'
import { isCycloneDx, isObject } from './read.ts'
import type { AibomResult } from './result.ts'

/** What is known of a bill beside the model that a payload names. */
export interface AssessedAibom {
  /** The result of the signature, with `bound`, and in `reason` why it is not bound. */
  result: AibomResult
  /** What rules with `source: aibom` read; null unless the bill is verified and bound. */
  evidence: JsonObject | null
}

/**
 * Binds a judged bill to the model that `names` names by `model_id`, `version` and `artifacts`: a good
 * bill of another model is no evidence. `names` and `aibom` are attacker-controlled.
 */
export function assessAibom(
  names: JsonObject,
  aibom: JsonValue | undefined,
  judged: Readonly<AibomResult>,
): AssessedAibom {
  const unbound = (reason: string | null) => ({
    result: { ...judged, bound: false, reason },
    evidence: null,
  })
  if (judged.status !== 'verified' || !isObject(aibom)) return unbound(judged.reason)
  const result = { ...judged, bound: true }
  if (isCycloneDx(aibom)) {
    const { model, reason } = bindBom(names, aibom)
    return model ? { result, evidence: evidenceOfModel(model, aibom) } : unbound(reason)
  }
  const data = isObject(aibom.data) ? aibom.data : {}
  const { model, reason } = bindData(names, data)
  return model ? { result, evidence: model } : unbound(reason)
}

/**
 * Why a bill alone denies, in sentences. An invalid one always does: it was tampered with. The others
 * count as no bill at all, and so does a good one of another model.
 */
export function aibomReasons(result: AibomResult, required: boolean): string[] {
  const { status, reason, bound } = result
  if (status === 'invalid') return [`The AI bill of materials is not valid: ${reason}.`]
  if (!required || (status === 'verified' && bound)) return []
  if (status === 'verified') {
    const why = UNBOUND_REASONS[reason as UnboundReason]
    return [`A verified AI bill of materials of this model is required: ${why} (${reason}).`]
  }
  const why = reason === null ? status : `${status}, ${reason}`
  return [`A verified AI bill of materials is required (${why}).`]
}
