import type { Verdict } from './policy-engine.ts'

type Explanation = Verdict['explanation'][number]
type Because = Explanation['because'][number]

/** The outcomes as they are shown, in the order in which they matter to the reader. */
export const OUTCOMES: Readonly<Record<Explanation['outcome'], string>> = {
  broken: 'broken',
  not_established: 'not established',
  waived: 'waived',
  kept: 'kept',
  not_applicable: 'not applicable',
}

const WHY: Readonly<Record<NonNullable<Because['why']>, string>> = {
  missing: 'it is missing',
  wrong_type: 'it is of another type',
  out_of_range: 'it is out of range',
  not_in_enum: 'it is none of the declared values',
  unverified: 'no verified bill of materials says it',
}

/** The outcome for people: whether it is allowed, and everything that bears on it, waivers included. */
export function outcomeLines(
  outcome: Pick<
    Verdict,
    'allowed' | 'risk_score' | 'risk_level' | 'reasons' | 'warnings' | 'waived'
  >,
): string[] {
  const { allowed, risk_score, risk_level, reasons, warnings, waived } = outcome
  return [
    `${allowed ? 'ALLOWED' : 'DENIED'}  risk score ${risk_score} (${risk_level})`,
    ...reasons.map((text) => `  reason: ${text}`),
    ...warnings.map((text) => `  warning: ${text}`),
    ...waived.map((text) => `  waived: ${text}`),
  ]
}

/** A verdict for people. `place` writes the `file:line` of a rule as the reader can open it. */
export function explanationLines(verdict: Verdict, place: (at: string) => string): string[] {
  return [
    ...outcomeLines(verdict),
    ...Object.keys(OUTCOMES).flatMap((outcome) =>
      verdict.explanation
        .filter((it) => it.outcome === outcome)
        .flatMap((it) => ruleLines(it, place)),
    ),
  ]
}

function ruleLines(
  { rule, outcome, at, law, because }: Explanation,
  place: (at: string) => string,
) {
  const laws = law.length > 0 ? `  [${law.join('; ')}]` : ''
  return [
    `${OUTCOMES[outcome].padEnd(16)}${rule}  ${place(at)}${laws}`,
    ...because.map((part) => `    line ${part.line}: ${becauseText(part)}`),
  ]
}

/** A comparison that gave a rule its outcome, in one phrase. */
export function becauseText({ field, op, expected, actual, why }: Because): string {
  const wanted = `${field} ${op} ${JSON.stringify(expected)}`
  return why ? `${wanted}, but ${WHY[why]}` : `${wanted}, and it is ${JSON.stringify(actual)}`
}
