import { type Because, shown } from './condition.ts'
import { IN_WORDS, NotEstablished, type Reading, type Scalar, type Why } from './input.ts'
import { type Explanation, RISK_RULE, type RiskFactor, type RiskModel } from './policy-set.ts'

/** What one factor adds to the score: weight × points. Named as on the wire. */
export interface RiskPart {
  factor: string
  field: string
  /** What the request says, cut if it is long; null if nothing is established. */
  value: Scalar | null
  weight: number
  /** For a factor of `weights` its value on the scale. */
  points: number
  /** Whether the factor counts at its worst because it has no points for what the request says. */
  worst: boolean
}

export interface Risk {
  score: number
  level: string
  denies: boolean
  /** The factors counted at their worst, as `risk.<factor> (missing)`. */
  unknown: string[]
  parts: RiskPart[]
  explanation: Explanation
}

/**
 * The sum of weight × points over the factors of the matrix, in their order. A factor that is not
 * established, or whose value has no points, counts at the points that make the sum largest, so
 * leaving one out never lowers the score. (That holds for rounded sums too: IEEE 754 multiplication
 * and addition round monotonically, so no product of a factor is above that of its worst points,
 * and a sum does not fall when one of its terms rises; the loader has made sure that no sum on the
 * way is infinite.)
 */
export function assessRisk(model: RiskModel, readings: readonly Reading[]): Risk {
  let score = 0
  const unknown: string[] = []
  const because: Because[] = []
  const parts: RiskPart[] = []
  for (const factor of model.factors) {
    const reading = readings[factor.slot]!
    const found =
      reading instanceof NotEstablished ? reading.why : factor.pointsOf(reading as Scalar)
    const part = partOf(factor, reading, found)
    parts.push(part)
    score += part.weight * part.points
    if (typeof found === 'number') continue
    unknown.push(`${factor.field} (${IN_WORDS[found]})`)
    const { line, field, op, expected } = factor
    because.push({ line, field, op, expected, actual: null, why: found })
  }
  const denies = score >= model.denyAt
  const { line, denyAt: expected } = model
  because.push({ line, field: 'risk_score', op: 'lt', expected, actual: score })
  const broken = unknown.length > 0 ? 'not_established' : 'broken'
  const outcome = denies ? broken : 'kept'
  const explanation: Explanation = { rule: RISK_RULE, outcome, at: model.at, law: [], because }
  return { score, level: levelOf(model, score), denies, unknown, parts, explanation }
}

function partOf(factor: RiskFactor, reading: Reading, found: number | Why): RiskPart {
  const { id, field, weight } = factor
  const value = reading instanceof NotEstablished ? null : (shown(reading) as Scalar)
  const worst = typeof found !== 'number'
  return { factor: id, field, value, weight, points: worst ? factor.worst : found, worst }
}

/** The parts of a request that says nothing about risk; they add up to `worstScore`. */
export function worstParts(model: RiskModel): RiskPart[] {
  return model.factors.map(({ id, field, weight, worst }) => ({
    factor: id,
    field,
    value: null,
    weight,
    points: worst,
    worst: true,
  }))
}

/** The highest level that the score reaches; a score below all of them counts as the lowest. */
export function levelOf(model: RiskModel, score: number): string {
  const reached = model.levels.findLast((level) => level.from <= score)
  return (reached ?? model.levels[0])!.name
}
