import { isDeepStrictEqual } from 'node:util'
import { evaluate, type Verdict } from '../evaluate.ts'
import { type Mode, type Outcome, type PolicySet, RISK_RULE } from '../policy-set.ts'
import { CoverageCount, type CoverageFailure, type RuleCoverage } from './coverage.ts'
import { type Expectation, NOTHING_APPLIES } from './test-expectation.ts'
import type { TestCase, TestSuite } from './test-file.ts'

export { loadTests, type TestSuite, type TestsResult } from './test-file.ts'

export interface Difference {
  /** Which expectation was not met: `allowed`, `reasons`, `outcomes.<rule>`, … */
  what: string
  /** The line that states it. */
  line: number
  expected: boolean | number | string | readonly string[]
  actual: boolean | number | string | readonly string[]
}

export interface CaseResult {
  /** The tests file and the line at which the case starts. */
  file: string
  line: number
  name: string
  ok: boolean
  differences: Difference[]
  /** What the set decided, with its explanation. */
  verdict: Verdict
}

export interface TestReport {
  /** Every case passed and every coverage demand is met. */
  ok: boolean
  passed: number
  failed: number
  cases: CaseResult[]
  /** Of each rule in file order and, last, of the risk limit. */
  coverage: RuleCoverage[]
  coverageFailures: CoverageFailure[]
}

/** Runs every case of the suites against the set. Pure: the clock of a case is part of it. */
export function runTests(set: PolicySet, suites: readonly TestSuite[]): TestReport {
  const count = new CoverageCount(set)
  const modes = new Map(set.compiled.rules.map((rule) => [rule.id, rule.mode]))
  const cases: CaseResult[] = []
  for (const suite of suites) {
    for (const test of suite.cases) {
      const { payload, evidence, now } = test
      const verdict = evaluate(set, { payload, evidence, now })
      count.see(verdict.explanation)
      const differences = compareWith(test, verdict, modes)
      const { name, line } = test
      const ok = differences.length === 0
      cases.push({ file: suite.file, line, name, ok, differences, verdict })
    }
  }
  const passed = cases.filter((it) => it.ok).length
  const failed = cases.length - passed
  const coverageFailures = count.failures(suites)
  const ok = failed === 0 && coverageFailures.length === 0
  return { ok, passed, failed, cases, coverage: count.rules, coverageFailures }
}

function compareWith(
  { expected }: TestCase,
  verdict: Verdict,
  modes: ReadonlyMap<string, Mode>,
): Difference[] {
  const differences: Difference[] = []
  for (const expectation of expected) {
    const { what, line, value } = expectation
    const actual = actualOf(expectation, verdict, modes)
    if (isSame(value, actual)) continue
    const name = what === 'outcome' ? `outcomes.${expectation.rule}` : what
    differences.push({ what: name, line, expected: value, actual })
  }
  return differences
}

/** Lists are compared as sets: the order of rules means nothing. */
function isSame(expected: Difference['expected'], actual: Difference['actual']): boolean {
  if (typeof expected !== 'object' || typeof actual !== 'object') return expected === actual
  return isDeepStrictEqual(expected.toSorted(), actual.toSorted())
}

function actualOf(
  expectation: Expectation,
  verdict: Verdict,
  modes: ReadonlyMap<string, Mode>,
): Difference['actual'] {
  const rules = (wanted: readonly Outcome[], mode?: Mode): string[] =>
    verdict.explanation
      .filter(({ outcome, rule }) => wanted.includes(outcome) && (!mode || modeOf(rule) === mode))
      .map(({ rule }) => rule)
  const modeOf = (rule: string): Mode | undefined =>
    rule === RISK_RULE ? 'block' : modes.get(rule)
  switch (expectation.what) {
    case 'reasons':
      return [...rules(BREACHES, 'block'), ...engineReasons(verdict)]
    case 'warnings':
      return rules(BREACHES, 'warn')
    case 'not_established':
      return rules(['not_established'])
    case 'waived':
      return rules(['waived'])
    case 'outcome':
      return verdict.explanation.find(({ rule }) => rule === expectation.rule)?.outcome ?? ''
    case 'allowed':
    case 'risk_score':
    case 'risk_level':
      return verdict[expectation.what]
  }
}

const BREACHES: readonly Outcome[] = ['broken', 'not_established']

/** The reasons that belong to no rule. */
function engineReasons({ reasons }: Verdict): string[] {
  return reasons.filter((reason) => reason === NOTHING_APPLIES || reason.startsWith('engine:'))
}
