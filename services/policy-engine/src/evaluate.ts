import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { dayNumber } from './day.ts'
import { IN_WORDS } from './input.ts'
import { judgeRule } from './judge-rule.ts'
import type { Explanation, Outcome, PolicySet, Rule, Waiver } from './policy-set.ts'
import { assessRisk, levelOf, type Risk, type RiskPart, worstParts } from './risk.ts'

export type { Explanation, RiskPart }

export interface Request {
  /** What the caller says. Attacker-controlled. */
  payload: JsonObject
  /** What a verified AIBOM, bound to the model, says; null if nothing was verified. */
  evidence: JsonObject | null
  /** The clock; it decides which rules are in force. */
  now: Date
}

/** The decision and why, named as on the wire. */
export interface Verdict {
  allowed: boolean
  /** Why the request is denied, in the order of the files; empty if it is allowed. */
  reasons: string[]
  risk_score: number
  risk_level: string
  /** What the score is the sum of, in the order of the matrix. */
  risk_parts: RiskPart[]
  /** One entry for each rule and one for the risk limit. */
  explanation: Explanation[]
  warnings: string[]
  /** For each rule that is broken and excused: its id, why, by whom and until when. */
  waived: string[]
  /** How many entries of `explanation` have each outcome. */
  counts: Record<Outcome, number>
}

/**
 * Judges a request by every rule of the set, in any order with the same result. Leaving members of
 * the payload or the evidence out, or giving them another type than declared, can neither turn a
 * deny into an allow nor lower the risk.
 *
 * Never throws: a fault inside denies with a reason that starts with `engine:` and tells nothing of
 * the fault, at the worst risk. `onFault` gets the error, for the operator's log.
 */
export function evaluate(
  set: PolicySet,
  request: Request,
  onFault: (error: unknown) => void = () => {},
): Verdict {
  try {
    return judgeRequest(set, request)
  } catch (error) {
    onFault(error)
    const { risk } = set.compiled
    const reason = 'engine: the evaluation failed, and what cannot be judged is denied'
    return {
      allowed: false,
      reasons: [reason],
      risk_score: risk.worstScore,
      risk_level: levelOf(risk, risk.worstScore),
      risk_parts: worstParts(risk),
      explanation: [],
      warnings: [],
      waived: [],
      counts: noCounts(),
    }
  }
}

function judgeRequest(set: PolicySet, { payload, evidence, now }: Request): Verdict {
  const { readers, rules, risk: model } = set.compiled
  const today = dayNumber(now)
  if (Number.isNaN(today)) throw new RangeError('now is not a date')
  const readings = readers.map((read) => read(payload, evidence))
  const reasons: string[] = []
  const warnings: string[] = []
  const waived: string[] = []
  const explanation: Explanation[] = []
  const counts = noCounts()
  let isCovered = false
  for (const rule of rules) {
    const judged = judgeRule(rule, readings, today)
    explanation.push(judged.explanation)
    counts[judged.explanation.outcome] += 1
    if (judged.covers) isCovered = true
    if (judged.waived) waived.push(`${rule.id}: ${judged.waived.note}`)
    if (judged.expired) warnings.push(expiry(rule, judged.expired))
    const said = breach(rule, judged.explanation)
    if (said !== null && rule.mode === 'block') reasons.push(said)
    if (said !== null && rule.mode === 'warn') warnings.push(said)
  }
  if (set.layers.length === 0) reasons.push('no_policy')
  else if (!isCovered) reasons.push('nothing_applies')
  const risk = assessRisk(model, readings)
  explanation.push(risk.explanation)
  counts[risk.explanation.outcome] += 1
  sayRisk(risk, model.denyAt, reasons, warnings)
  return {
    allowed: reasons.length === 0,
    reasons,
    risk_score: risk.score,
    risk_level: risk.level,
    risk_parts: risk.parts,
    explanation,
    warnings,
    waived,
    counts,
  }
}

function expiry(rule: Rule, { at, expires }: Waiver): string {
  return `The waiver of ${rule.id} (${at}) expired after ${expires.text}.`
}

/** What to tell of a rule that is broken or cannot be shown to be kept; else null. */
function breach(rule: Rule, { outcome, because }: Explanation): string | null {
  if (outcome === 'broken') return rule.reason
  if (outcome !== 'not_established') return null
  const fields: string[] = []
  for (const { field, why } of because) {
    const text = why && `${field} (${IN_WORDS[why]})`
    if (text && !fields.includes(text)) fields.push(text)
  }
  return `${rule.reason} Not established: ${fields.join(', ')}.`
}

function sayRisk(risk: Risk, limit: number, reasons: string[], warnings: string[]): void {
  const counted = `counted at their worst: ${risk.unknown.join(', ')}.`
  if (risk.denies) {
    const unknown = risk.unknown.length > 0 ? ` Not established and ${counted}` : ''
    const text = `Risk score ${risk.score} (${risk.level}) reaches the limit of ${limit}.${unknown}`
    reasons.push(text)
  } else if (risk.unknown.length > 0) {
    warnings.push(`Risk factors not established and ${counted}`)
  }
}

function noCounts(): Record<Outcome, number> {
  return { kept: 0, broken: 0, not_established: 0, not_applicable: 0, waived: 0 }
}
