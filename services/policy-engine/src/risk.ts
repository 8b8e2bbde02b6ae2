import type { JsonObject } from '@ai-governance/common/canonical-json'
import type { Because } from './condition.ts'
import { IN_WORDS, NotEstablished } from './input.ts'
import { type Explanation, RISK_RULE, type RiskModel } from './policy-set.ts'

export interface Risk {
  score: number
  level: string
  denies: boolean
  /** The factors counted at their worst, as `risk.<factor> (missing)`. */
  unknown: string[]
  explanation: Explanation
}

/**
 * The sum of weight × value over the factors of the matrix. A factor that is missing, not a number
 * or off the scale counts at the end of the scale that makes the sum largest, so leaving one out
 * never lowers the score. (That holds for rounded sums too: IEEE 754 addition and multiplication
 * round monotonically.)
 */
export function assessRisk(model: RiskModel, payload: JsonObject): Risk {
  let score = 0
  const unknown: string[] = []
  const because: Because[] = []
  for (const { field, read, weight, worst, line } of model.factors) {
    const reading = read(payload, null)
    if (reading instanceof NotEstablished) {
      score += weight * worst
      unknown.push(`${field} (${IN_WORDS[reading.why]})`)
      const { why } = reading
      because.push({ line, field, op: 'within', expected: model.scale, actual: null, why })
    } else score += weight * (reading as number)
  }
  const denies = score >= model.denyAt
  const { line, denyAt: expected } = model
  because.push({ line, field: 'risk_score', op: 'lt', expected, actual: score })
  const broken = unknown.length > 0 ? 'not_established' : 'broken'
  const outcome = denies ? broken : 'kept'
  const explanation: Explanation = { rule: RISK_RULE, outcome, at: model.at, law: [], because }
  return { score, level: levelOf(model, score), denies, unknown, explanation }
}

/** The highest level that the score reaches; a score below all of them counts as the lowest. */
export function levelOf(model: RiskModel, score: number): string {
  const reached = model.levels.findLast((level) => level.from <= score)
  return (reached ?? model.levels[0])!.name
}
