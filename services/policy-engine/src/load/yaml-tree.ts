import type { JsonValue } from '@ai-governance/common/formats/canonical-json'
import {
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import type { LoadCode, Place, Report } from './load-problem.ts'
import { placeOf, type Source } from './source.ts'
import { BAD_CHARACTER, withinLimits } from './yaml-limits.ts'

/** A parsed YAML value of which every part knows its place in the file. */
export type Tree = MapTree | ListTree | ScalarTree
export interface MapTree {
  readonly kind: 'map'
  readonly at: Place
  readonly entries: ReadonlyMap<string, { readonly keyAt: Place; readonly value: Tree }>
}
export interface ListTree {
  readonly kind: 'list'
  readonly at: Place
  readonly items: readonly Tree[]
}
export interface ScalarTree {
  readonly kind: 'scalar'
  readonly at: Place
  readonly value: string | number | boolean | null
}

/**
 * Parses YAML 1.2 core without anchors, aliases, merge keys, tags and directives, warnings taken as
 * errors. Returns undefined when the text has a problem; all that were found have been reported.
 */
export function parseTree(source: Source, report: Report): Tree | undefined {
  if (!withinLimits(source, report)) return undefined
  const document = parseDocument(source.text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    // Not 'silent', which would pass over a second document.
    logLevel: 'error',
  })
  const wrong = [...document.errors, ...document.warnings]
  reportSyntax(wrong, source, report)
  if (wrong.length > 0) return undefined
  let clean = true
  const reportScalar: Report = (...problem) => {
    clean = false
    report(...problem)
  }
  const tree = convert(document.contents, { line: 1, column: 1 }, source, reportScalar)
  return clean ? tree : undefined
}

type YamlProblem = Pick<YAMLError, 'code' | 'pos' | 'message'>

/** After the first mistake a parser guesses, so what it says next is about its guess: one is reported. */
function reportSyntax(problems: readonly YamlProblem[], source: Source, report: Report): void {
  const isDuplicate = ({ code }: YamlProblem) => code === 'DUPLICATE_KEY'
  const ofSyntax = problems
    .filter((problem) => !isDuplicate(problem))
    .sort((a, b) => a.pos[0] - b.pos[0])
    .slice(0, 1)
  for (const problem of ofSyntax.length > 0 ? ofSyntax : problems) {
    const code: LoadCode = isDuplicate(problem) ? 'duplicate_key' : 'yaml_syntax'
    report(placeOf(source, problem.pos[0]), code, WHAT_TO_DO[problem.code] ?? problem.message)
  }
}

/** For mistakes of which the parser names the cause in words of its grammar. */
const WHAT_TO_DO: Partial<Record<YamlProblem['code'], string>> = {
  BLOCK_AS_IMPLICIT_KEY:
    'put a text that holds ": " in quotes, or begin a new line after the first key',
  BAD_SCALAR_START:
    'put a text that starts with this character in quotes; comparisons are written gt, gte, lt, lte, eq and ne',
  TAB_AS_INDENT: 'indent with spaces: this line has a tab',
  BAD_INDENT: 'indent this line like one of the lines above it',
  MULTILINE_IMPLICIT_KEY: 'a key stands on one line and ends with ":" and a space',
}

/** The plain value of a tree. Objects have no prototype, so that `__proto__` is a name like others. */
export function plainValue(tree: Tree): JsonValue {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(plainValue)
  const members: { [name: string]: JsonValue } = Object.create(null)
  for (const [name, { value }] of tree.entries) members[name] = plainValue(value)
  return members
}

/** `fallback` is where a value that was left out is said to be. */
function convert(node: unknown, fallback: Place, source: Source, report: Report): Tree {
  const start = (node as Node | null)?.range?.[0]
  const at = start === undefined ? fallback : placeOf(source, start)
  if (isMap(node)) {
    const entries = new Map<string, { keyAt: Place; value: Tree }>()
    for (const { key, value } of node.items as Pair<Scalar<string>>[]) {
      const keyAt = placeOf(source, key.range![0])
      checkScalar(key, keyAt, report)
      entries.set(key.value, { keyAt, value: convert(value, keyAt, source, report) })
    }
    return { kind: 'map', at, entries }
  }
  if (isSeq(node)) {
    return { kind: 'list', at, items: node.items.map((it) => convert(it, at, source, report)) }
  }
  if (!isScalar(node)) return { kind: 'scalar', at, value: null }
  checkScalar(node, at, report)
  return { kind: 'scalar', at, value: node.value as ScalarTree['value'] }
}

/** Refuses scalars that another reader, human or YAML 1.1, would take for something else. */
function checkScalar(node: Scalar, at: Place, report: Report): void {
  const { value, source: written = '' } = node
  if (typeof value === 'string') {
    if (node.type === 'PLAIN' && /^(yes|no|on|off)$/i.test(value)) {
      report(at, 'ambiguous_word', `write true or false, or quote the text: "${value}"`)
    } else if (!value.isWellFormed() || BAD_CHARACTER.test(value)) {
      report(at, 'bad_character', 'the text holds a control character or half of a surrogate pair')
    }
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      report(at, 'ambiguous_number', `${written} is not a finite number`)
    } else if (/^[-+]?0\d/.test(written)) {
      report(at, 'ambiguous_number', `remove the leading zero of ${written}, or quote the text`)
    } else if (/^(0x|0o|[-+]?\d+$)/.test(written) && !Number.isSafeInteger(value)) {
      report(at, 'ambiguous_number', `${written} has more digits than a number can keep`)
    }
  }
}
