import { verifyAibom } from '../aibom.ts'
import type { AibomPublicKey } from '../aibom-keys.ts'
import { canonicalJson } from '../canonical-json.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import { aibomReasons, assessAibom } from './policy-aibom.ts'
import { type DecisionRules, decisionOf, evaluate, type PolicySet } from './policy-engine.ts'
import type { RecordedDecision } from './recorded-decision.ts'

/** By what a recorded decision is judged again. */
export interface Rules extends DecisionRules {
  /** The keys that bills of materials were verified by. */
  readonly keys: readonly AibomPublicKey[]
}

/** A member of the answer that is not what it was. */
export interface Difference {
  what: string
  recorded: JsonValue | null
  again: JsonValue | null
}

/**
 * The whole answer that mcp-policy gives to a recorded payload under `rules` and the recorded clock. Taken from
 * the record is what no rules tell: what the decision is called, its clock, and how long it took.
 */
export function judgeAgain(rules: Rules, { payload, answer, now }: RecordedDecision): JsonObject {
  const again = decisionOf(rules, {
    payload,
    aibom: verifyAibom(payload.aibom, rules.keys),
    now,
    id: answer.decision_id,
    elapsedMs: () => answer.elapsed_ms,
  })
  // As it goes over the wire.
  return JSON.parse(JSON.stringify(again)) as JsonObject
}

/**
 * What `set` would decide about a recorded payload where nothing but the policies is another: the bill of
 * materials counts for what it was found to be then, and what came too late stays denied.
 */
export function judgeUnder(
  set: PolicySet,
  { payload, answer, now }: RecordedDecision,
): { allowed: boolean; reasons: string[] } {
  const { evidence } = assessAibom(payload, payload.aibom, answer.aibom)
  const { reasons } = evaluate(set, { payload, evidence, now })
  const wanted = aibomReasons(answer.aibom, true)
  const isRequired = wanted.every((text) => answer.reasons.includes(text))
  const all = [
    ...aibomReasons(answer.aibom, isRequired),
    ...reasons,
    // That it came too late is the reason that is said last.
    ...(answer.within_sla ? [] : answer.reasons.slice(-1)),
  ]
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
    const [a, b] = [memberOf(recorded, name), memberOf(again, name)]
    if (a === undefined || b === undefined) {
      return [{ what: path, recorded: a ?? null, again: b ?? null }]
    }
    return differencesOf(a, b, path)
  })
}

/** Its own: a record may hold a member that is called as what every object has, such as `toString`. */
function memberOf(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
