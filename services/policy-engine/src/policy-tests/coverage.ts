import { type Explanation, type PolicySet, RISK_RULE } from '../policy-set.ts'
import type { TestSuite } from './test-file.ts'

/** What the tests have shown of one rule, or of the risk limit. */
export interface RuleCoverage {
  rule: string
  /** `file:line` of the rule. */
  at: string
  seenBroken: boolean
  seenKept: boolean
}

/** A coverage demand that the tests do not meet. */
export interface CoverageFailure {
  /** The tests file that makes the demand, and the line that does. */
  file: string
  line: number
  demanded: number
  reached: number
  /** The rules that were not seen with both outcomes. */
  unseen: RuleCoverage[]
}

/** Notes which rules the cases show broken and kept. */
export class CoverageCount {
  readonly rules: RuleCoverage[]
  readonly #byRule: Map<string, RuleCoverage>

  constructor({ compiled }: PolicySet) {
    const all = [...compiled.rules, { id: RISK_RULE, at: compiled.risk.at }]
    this.rules = all.map(({ id, at }) => ({ rule: id, at, seenBroken: false, seenKept: false }))
    this.#byRule = new Map(this.rules.map((rule) => [rule.rule, rule]))
  }

  /** A rule that is not established or waived was seen neither broken nor kept. */
  see(explanation: readonly Explanation[]): void {
    for (const { rule, outcome } of explanation) {
      const seen = this.#byRule.get(rule)
      if (seen && outcome === 'broken') seen.seenBroken = true
      if (seen && outcome === 'kept') seen.seenKept = true
    }
  }

  /**
   * The demands that are not met. Each is about the rules of the file that the suite names, and
   * counts what the cases of all suites have shown.
   */
  failures(suites: readonly TestSuite[]): CoverageFailure[] {
    const failures: CoverageFailure[] = []
    for (const { file, about, coverage } of suites) {
      if (!coverage) continue
      const rules = this.rules.filter((rule) => rule.at.startsWith(`${about}:`))
      const seen = rules.reduce((sum, it) => sum + Number(it.seenBroken) + Number(it.seenKept), 0)
      const reached = seen / (2 * rules.length)
      if (reached >= coverage.share) continue
      const unseen = rules.filter((rule) => !rule.seenBroken || !rule.seenKept)
      failures.push({ file, line: coverage.line, demanded: coverage.share, reached, unseen })
    }
    return failures
  }
}
