import { join } from 'node:path'
import { loadTests, runTests, type TestReport } from './policy-engine.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import { invalidReport, loadFolder } from './policy-folder.ts'
import { identityOf } from './policy-lint.ts'
import type { Finding, PolicyReport } from './policy-report.ts'

/** `aigov policy test` */
export async function test(folder: string): Promise<PolicyReport> {
  const loaded = await loadFolder(folder)
  if ('report' in loaded) return loaded.report
  const { set, files } = loaded
  const tests = loadTests(files, set)
  if (!tests.ok) return invalidReport(folder, tests.errors)
  const report = runTests(set, tests.suites)
  const { passed, failed, coverage, coverageFailures } = report
  // Tests that are not there would otherwise pass for ever.
  const isEmpty = report.cases.length === 0
  const ok = report.ok && !isEmpty
  const findings = isEmpty ? [absent(folder)] : findingsOf(folder, report)
  const cases = report.cases.map(({ verdict: _, ...result }) => result)
  return {
    code: ok ? POLICY_EXIT.ok : POLICY_EXIT.failed,
    result: { ok, policy: identityOf(set), passed, failed, cases, coverage, coverageFailures },
    lines: [
      ...findings.map(
        ({ code, message, place }) => `${place.file}:${place.line} ${code} ${message}`,
      ),
      `${ok ? 'PASSED' : 'FAILED'}  ${passed} of ${report.cases.length} cases, ${coverageLine(report)}`,
    ],
    findings,
  }
}

function absent(folder: string): Finding {
  const message = 'no *.tests.yml with a case is there: add one that shows what the policies decide'
  return { level: 'error', code: 'no_tests', message, place: { file: folder, line: 1 } }
}

/** A finding for each expectation that was not met, and for each demand of coverage. */
function findingsOf(folder: string, { cases, coverageFailures }: TestReport): Finding[] {
  const level = 'error'
  return [
    ...cases.flatMap(({ file, name, differences }) =>
      differences.map(({ what, line, expected, actual }) => ({
        level,
        code: 'test_failed',
        message: `${name}: ${what} should be ${shown(expected)} and is ${shown(actual)}`,
        place: { file: join(folder, file), line },
      })),
    ),
    ...coverageFailures.map(({ file, line, demanded, reached, unseen }) => ({
      level,
      code: 'coverage_not_met',
      message: `coverage is ${percent(reached)} of ${percent(demanded)}: ${unseen.map(missing).join('; ')}`,
      place: { file: join(folder, file), line },
    })),
  ] as Finding[]
}

function missing(rule: TestReport['coverage'][number]): string {
  const kinds = [...(rule.seenBroken ? [] : ['broken']), ...(rule.seenKept ? [] : ['kept'])]
  return `no case shows ${rule.rule} (${rule.at}) ${kinds.join(' or ')}`
}

function coverageLine({ coverage }: TestReport): string {
  const whole = coverage.filter(({ seenBroken, seenKept }) => seenBroken && seenKept)
  return `${whole.length} of ${coverage.length} rules seen broken and kept`
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
