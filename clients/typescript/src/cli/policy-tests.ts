import { join } from 'node:path'
import { loadTests, runTests, type TestReport, testProblems } from './policy-engine.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import type { Finding } from './policy-finding.ts'
import { invalidReport, loadFolder } from './policy-folder.ts'
import { identityOf } from './policy-lint.ts'
import type { PolicyReport } from './policy-report.ts'

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

function findingsOf(folder: string, report: TestReport): Finding[] {
  return testProblems(report).map(({ file, line, code, message }) => ({
    level: 'error',
    code,
    message,
    place: { file: join(folder, file), line },
  }))
}

function coverageLine({ coverage }: TestReport): string {
  const whole = coverage.filter(({ seenBroken, seenKept }) => seenBroken && seenKept)
  return `${whole.length} of ${coverage.length} rules seen broken and kept`
}
