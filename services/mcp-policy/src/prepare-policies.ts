import {
  formatLoadProblem,
  loadPolicySet,
  type PolicyFile,
} from '@ai-governance/policy-engine/load/load-policies'
import type { PolicySet } from '@ai-governance/policy-engine/policy-set'
import { loadTests, runTests } from '@ai-governance/policy-engine/policy-tests/run-tests'
import {
  type TestProblem,
  testProblems,
} from '@ai-governance/policy-engine/policy-tests/test-problems'

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
  if (!report.ok) return { ok: false, errors: testProblems(report).map(formatTestProblem) }
  return { ok: true, set, warnings: loaded.warnings.map(formatLoadProblem) }
}

function formatTestProblem({ file, line, code, message }: TestProblem): string {
  return formatLoadProblem({ file, line, column: 1, code, message })
}
