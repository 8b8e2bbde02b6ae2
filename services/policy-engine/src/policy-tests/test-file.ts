import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { isTests, type PolicyFile } from '../load/load-policies.ts'
import { type LoadProblem, type Report, reporter } from '../load/load-problem.ts'
import { memberOf, readList, readNumber, readShape, readText, readWord } from '../load/shape.ts'
import { sourceOf } from '../load/source.ts'
import { parseTree, type Tree } from '../load/yaml-tree.ts'
import type { PolicySet } from '../policy-set.ts'
import { type Expectation, readExpectations } from './test-expectation.ts'
import { readBase, readChanges, readMoment } from './test-input.ts'

/** A `*.tests.yml`: cases that say what the set decides, and how much of one file they must show. */
export interface TestSuite {
  /** The file that holds the tests. */
  readonly file: string
  /** The file that they are about: a policy or the risk matrix. */
  readonly about: string
  readonly coverage: CoverageDemand | null
  readonly cases: readonly TestCase[]
}

export interface CoverageDemand {
  /** From 0 to 1: the share of outcomes that must be seen, two (broken, kept) for each rule. */
  readonly share: number
  readonly line: number
}

export interface TestCase {
  readonly name: string
  readonly line: number
  readonly payload: JsonObject
  /** What a verified AIBOM is taken to say; null if there is none. */
  readonly evidence: JsonObject | null
  readonly now: Date
  readonly expected: readonly Expectation[]
}

export type TestsResult = { ok: true; suites: TestSuite[] } | { ok: false; errors: LoadProblem[] }

export const TESTS_KEYS = {
  required: ['tests', 'at', 'base', 'cases'],
  optional: ['coverage', 'owner'],
} as const
export const CASE_KEYS = {
  required: ['name', 'expect'],
  optional: ['at', 'set', 'unset'],
} as const

/**
 * Reads the tests among the files of a policy folder (`*.tests.yml` directly in it; others are left
 * alone) as strictly as policies are read: unknown keys, rules that `set` does not have and an
 * `unset` of something that is not there are errors. Never throws for what a file holds.
 */
export function loadTests(files: readonly PolicyFile[], set: PolicySet): TestsResult {
  const errors: LoadProblem[] = []
  const suites: TestSuite[] = []
  for (const { name, content } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isTests(name)) continue
    const report = reporter(name, errors)
    const tree = parseTree(sourceOf(content), report)
    const suite = tree && readSuite(name, tree, set, report)
    if (suite) suites.push(suite)
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, suites }
}

function readSuite(
  file: string,
  tree: Tree,
  set: PolicySet,
  report: Report,
): TestSuite | undefined {
  const map = readShape(tree, 'a tests file', TESTS_KEYS, report)
  if (!map) return undefined
  const tested = [...set.layers.map((layer) => layer.file), set.risk.file]
  const about = readWord(memberOf(map, 'tests'), 'tests', tested, report)
  readText(memberOf(map, 'owner'), 'owner', report)
  const coverage = readCoverage(memberOf(map, 'coverage'), report)
  const now = readMoment(memberOf(map, 'at'), 'at', report)
  const base = readBase(memberOf(map, 'base'), report)
  const list = readList(memberOf(map, 'cases'), 'cases', report)
  const names = new Map<string, number>()
  const cases: TestCase[] = []
  for (const item of list?.items ?? []) {
    const read = readCase(item, { base, now }, set, report)
    if (!read) continue
    const first = names.get(read.name)
    if (first !== undefined) {
      report(item.at, 'duplicate_case', `"${read.name}" is already the name of line ${first}`)
    }
    names.set(read.name, read.line)
    cases.push(read)
  }
  return about === undefined ? undefined : { file, about, coverage, cases }
}

function readCoverage(tree: Tree | undefined, report: Report): CoverageDemand | null {
  const share = readNumber(tree, 'coverage', report)
  if (share === undefined || !tree) return null
  if (share < 0 || share > 1) {
    report(tree.at, 'bad_range', 'coverage is a share, from 0 to 1')
    return null
  }
  return { share, line: tree.at.line }
}

/** What the cases of a file have in common; undefined where the file has it wrong. */
interface Common {
  readonly base: JsonObject | undefined
  readonly now: Date | undefined
}

function readCase(
  tree: Tree,
  common: Common,
  set: PolicySet,
  report: Report,
): TestCase | undefined {
  const map = readShape(tree, 'case', CASE_KEYS, report)
  if (!map) return undefined
  const name = readText(memberOf(map, 'name'), 'name of a case', report)
  const what = name === undefined ? 'case' : `case "${name}"`
  const now = readMoment(memberOf(map, 'at'), `at of ${what}`, report) ?? common.now
  // A base that could not be read must not add an error to every case that unsets a part of it.
  const input = common.base && readChanges(map, what, common.base, report)
  const expected = readExpectations(memberOf(map, 'expect'), what, set, report)
  if (name === undefined || !now || !input || !expected) return undefined
  return { name, line: map.at.line, ...input, now, expected }
}
