import { verifyAibom } from '../aibom.ts'
import type { AibomPublicKey } from '../aibom-keys.ts'
import { sha256Hex } from '../bytes.ts'
import { canonicalJson } from '../canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import { aibomReasons, assessAibom } from './policy-aibom.ts'
import { evaluate, lateReason, type PolicySet } from './policy-engine.ts'
import type { RecordedDecision } from './recorded-decision.ts'

/** By what a recorded decision is judged again. */
export interface Rules {
  set: PolicySet
  /** The keys that bills of materials were verified by. */
  keys: readonly AibomPublicKey[]
  /** Whether a bill of materials that is not verified denies. */
  aibomRequired: boolean
  /** A decision that took longer, in ms, was denied for it. */
  slaMs: number
}

/** A member of the answer that is not what it was. */
export interface Difference {
  what: string
  recorded: JsonValue | null
  again: JsonValue | null
}

/** Which recorded reasons are none of the policies', but of the time it took and of a setting of the service. */
const TOO_LATE = /^The decision took longer than the \S+ ms it may take\.$/
const REQUIRED = /^A verified AI bill of materials /

/**
 * The whole answer that `POST /validate` gives to a recorded payload under `rules` and the recorded clock. Taken
 * from the record is what no rules tell: id and time of the decision, how long it took and whether that was too long.
 */
export function judgeAgain(
  { set, keys, aibomRequired, slaMs }: Rules,
  { payload, answer, now }: RecordedDecision,
): JsonObject {
  const judged = verifyAibom(payload.aibom, keys)
  const { result, evidence } = assessAibom(payload, payload.aibom, { ...judged, bound: false })
  const verdict = evaluate(set, { payload, evidence, now })
  const reasons = [...aibomReasons(result, aibomRequired), ...verdict.reasons]
  if (!answer.within_sla) reasons.push(lateReason(slaMs))
  const { decision_id, evaluated_at, within_sla, elapsed_ms } = answer
  const again = {
    ...verdict,
    allowed: reasons.length === 0,
    reasons,
    ...{ within_sla, elapsed_ms, decision_id, evaluated_at },
    policy: { name: set.name, version: set.version, digest: set.digest },
    input_digest: `sha256:${sha256Hex(canonicalJson(payload))}`,
    aibom: result,
  }
  // As it goes over the wire.
  return JSON.parse(JSON.stringify(again)) as JsonObject
}

/**
 * What `set` would decide about a recorded payload where nothing but the policies is another: the bill of
 * materials counts for what it was found to be then.
 */
export function judgeUnder(
  set: PolicySet,
  { payload, answer, now }: RecordedDecision,
): { allowed: boolean; reasons: string[] } {
  const { evidence } = assessAibom(payload, payload.aibom, answer.aibom)
  const { reasons } = evaluate(set, { payload, evidence, now })
  const isRequired = answer.reasons.some((text) => REQUIRED.test(text))
  const others = [
    ...aibomReasons(answer.aibom, isRequired),
    ...answer.reasons.filter((text) => TOO_LATE.test(text)),
  ]
  const all = [...reasons, ...others]
  return { allowed: all.length === 0, reasons: all }
}

/** The members, by the deepest name that is not in a list, in which two answers differ. */
export function differencesOf(recorded: JsonValue, again: JsonValue, what = ''): Difference[] {
  if (!isObject(recorded) || !isObject(again)) {
    const isEqual = canonicalJson(recorded) === canonicalJson(again)
    return isEqual ? [] : [{ what, recorded, again }]
  }
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(again)])].sort()
  return names.flatMap((name) => {
    const path = what === '' ? name : `${what}.${name}`
    const [a, b] = [recorded[name], again[name]]
    if (a === undefined || b === undefined) {
      return a === b ? [] : [{ what: path, recorded: a ?? null, again: b ?? null }]
    }
    return differencesOf(a, b, path)
  })
}
