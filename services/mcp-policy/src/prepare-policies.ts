import {
  formatLoadProblem,
  loadPolicySet,
  type PolicyFile,
} from '@ai-governance/policy-engine/load'
import type { PolicySet } from '@ai-governance/policy-engine/policy-set'
import { loadTests, runTests, type TestReport } from '@ai-governance/policy-engine/run-tests'

/** A set that may become active, or each reason why it may not, as `file:line:column code message`. */
export type Prepared =
  | { ok: true; set: PolicySet; warnings: string[] }
  | { ok: false; errors: string[] }

/**
 * Loads a set and runs its tests, completely: a person mends what is told in one go. Pure; never throws
 * for what a file holds.
 */
export function preparePolicies(files: readonly PolicyFile[]): Prepared {
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return { ok: false, errors: loaded.errors.map(formatLoadProblem) }
  const { set } = loaded
  const tests = loadTests(files, set)
  if (!tests.ok) return { ok: false, errors: tests.errors.map(formatLoadProblem) }
  const report = runTests(set, tests.suites)
  if (!report.ok) return { ok: false, errors: testFailures(report) }
  return { ok: true, set, warnings: loaded.warnings.map(formatLoadProblem) }
}

/** A line for each expectation that is not met, then one for each demand of coverage. */
function testFailures({ cases, coverageFailures }: TestReport): string[] {
  const failed = cases.flatMap(({ file, name, differences }) =>
    differences.map(({ what, line, expected, actual }) => {
      const text = `${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`
      return `${file}:${line}:1 test_failed "${name.replaceAll(/\s+/g, ' ')}": ${text}`
    }),
  )
  const uncovered = coverageFailures.map(({ file, line, demanded, reached, unseen }) => {
    const rules = unseen.map(({ rule, seenBroken, seenKept }) => {
      const lacks = [!seenBroken && 'broken', !seenKept && 'kept'].filter(Boolean)
      return `${rule} (${lacks.join(' and ')})`
    })
    const share = `${reached.toFixed(2)} of ${demanded}`
    return `${file}:${line}:1 coverage_not_reached ${share}; never seen: ${rules.join(', ')}`
  })
  return [...failed, ...uncovered]
}
