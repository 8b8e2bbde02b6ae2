import type { TestReport } from './run-tests.ts'

/** What keeps a set from passing its tests, at the line of the tests file that asks for it. */
export interface TestProblem {
  readonly file: string
  readonly line: number
  readonly code: 'test_failed' | 'coverage_not_met'
  readonly message: string
}

/** One for each expectation that is not met, then one for each demand of coverage. */
export function testProblems({ cases, coverageFailures }: TestReport): TestProblem[] {
  return [
    ...cases.flatMap(({ file, name, differences }) =>
      differences.map(({ what, line, expected, actual }) => ({
        file,
        line,
        code: 'test_failed' as const,
        message: `${name}: ${what} should be ${shown(expected)} and is ${shown(actual)}`,
      })),
    ),
    ...coverageFailures.map(({ file, line, demanded, reached, unseen }) => ({
      file,
      line,
      code: 'coverage_not_met' as const,
      message: `coverage is ${percent(reached)} of ${percent(demanded)}: ${unseen.map(missing).join('; ')}`,
    })),
  ]
}

function missing(rule: TestReport['coverage'][number]): string {
  const kinds = [...(rule.seenBroken ? [] : ['broken']), ...(rule.seenKept ? [] : ['kept'])]
  return `no case shows ${rule.rule} (${rule.at}) ${kinds.join(' or ')}`
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
