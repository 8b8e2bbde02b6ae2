import { closest } from '@ai-governance/common/suggest'
import { policyDigest } from '../digest.ts'
import type { Input } from '../input.ts'
import type { PolicySet } from '../policy-set.ts'
import { checkLayers } from './check-layers.ts'
import { compileRisk, compileRule, FieldSlots } from './compile.ts'
import { formatLoadProblem, type LoadProblem, type Report, reporter } from './load-problem.ts'
import { type FactorScope, type FactorTree, readFactors } from './read-factors.ts'
import { type LayerTree, readLayer } from './read-layer.ts'
import { checkSum, type MatrixTree, readRiskMatrix } from './read-risk.ts'
import { sourceOf } from './source.ts'
import { parseTree, plainValue, type Tree } from './yaml-tree.ts'

export type { LoadProblem, PolicySet }
export { formatLoadProblem }

/** A file of the policy folder; `name` is its path relative to that folder. */
export interface PolicyFile {
  name: string
  content: string
}

export type LoadResult =
  | { ok: true; set: PolicySet; warnings: LoadProblem[] }
  | { ok: false; errors: LoadProblem[] }

const RISK_FILE = 'risk-matrix.yml'
const START = { line: 1, column: 1 }

/**
 * Loads a policy set: checks every file completely and compiles what evaluation needs. Never throws
 * for what a file holds; all problems of all files are returned, sorted by place.
 *
 * Read are `*.yml` directly in the folder: `risk-matrix.yml` is the risk matrix, `*.tests.yml` are
 * tests (not run here), any other must be a policy. Files of another kind and in folders are left
 * alone, but a `.yaml` file is an error: it would be overlooked.
 *
 * Attacker-controlled: nothing, as a rule; yet a hostile file costs no more than a bounded time.
 */
export function loadPolicySet(files: readonly PolicyFile[]): LoadResult {
  const errors: LoadProblem[] = []
  const warnings: LoadProblem[] = []
  const parsed = parseFiles(files, errors)
  const riskTree = parsed.get(RISK_FILE)
  const reportRisk = reporter(RISK_FILE, errors)
  const matrix = riskTree && readRiskMatrix(riskTree, reportRisk)
  const layers: LayerTree[] = []
  for (const [file, tree] of parsed) {
    if (file === RISK_FILE) continue
    const report = reporter(file, errors)
    const layer = readLayer(file, tree, matrix?.inputs, report, reporter(file, warnings))
    if (layer) layers.push(layer)
  }
  checkLayers(layers, matrix?.inputs ?? new Map(), errors)
  const factors = matrix ? readAllFactors(matrix, layers, files, reportRisk) : []
  if (matrix) checkSum(matrix, factors, reportRisk, reporter(RISK_FILE, warnings))
  reportAbsent(files, errors, warnings)
  const set = errors.length === 0 && matrix ? assemble(layers, matrix, factors, parsed) : undefined
  if (!set) return { ok: false, errors: errors.sort(byPlace) }
  return { ok: true, set, warnings: warnings.sort(byPlace) }
}

/** The factors of `weights` and then those of `factors`, which read inputs of every layer. */
function readAllFactors(
  matrix: MatrixTree,
  layers: readonly LayerTree[],
  files: readonly PolicyFile[],
  report: Report,
): readonly FactorTree[] {
  const declared = new Map<string, { input: Input; file: string }[]>()
  const add = (file: string, inputs: ReadonlyMap<string, Input>) => {
    for (const [field, input] of inputs) {
      declared.set(field, [...(declared.get(field) ?? []), { input, file }])
    }
  }
  add(RISK_FILE, matrix.inputs)
  for (const { file, inputs } of layers) add(file, inputs)
  const scope: FactorScope = {
    declared,
    isIncomplete: layers.length < files.filter(({ name }) => isPolicy(name)).length,
    ids: new Map(matrix.weighted.map(({ id, line }) => [id, line])),
  }
  return [...matrix.weighted, ...readFactors(matrix.factors, scope, report)]
}

/** Parses the policies and the risk matrix, in the order of their names. */
function parseFiles(files: readonly PolicyFile[], errors: LoadProblem[]): Map<string, Tree> {
  const parsed = new Map<string, Tree>()
  const seen = new Set<string>()
  for (const { name, content } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isYaml(name)) continue
    const report = reporter(name, errors)
    if (seen.has(name)) report(START, 'duplicate_file', 'the file was given twice')
    else if (!name.endsWith('.yml')) {
      report(START, 'unknown_file_kind', 'rename the file so that it ends in .yml')
    } else if (!isTests(name)) {
      const tree = parseTree(sourceOf(content), report)
      const isKnown = name === RISK_FILE || (tree?.kind === 'map' && tree.entries.has('policy'))
      if (tree && isKnown) parsed.set(name, tree)
      else if (tree) reportKind(name, tree, report)
    }
    seen.add(name)
  }
  return parsed
}

/** A file of no known kind: most often a name or the key `policy` is misspelled. */
function reportKind(name: string, tree: Tree, report: Report): void {
  const kinds = `a policy has the key policy, the risk matrix is called ${RISK_FILE}, tests *.tests.yml`
  const keys = tree.kind === 'map' ? [...tree.entries.keys()] : []
  const written = keys.find((key) => closest(key, ['policy'])) ?? name
  const suggestion = { written, known: ['policy', RISK_FILE] }
  report(START, 'unknown_file_kind', `the file is of no known kind: ${kinds}`, suggestion)
}

function isYaml(name: string): boolean {
  return !name.includes('/') && /\.ya?ml$/i.test(name)
}

export function isTests(name: string): boolean {
  return isYaml(name) && name.endsWith('.tests.yml')
}

/** By its name alone: whether it holds one is another question. */
function isPolicy(name: string): boolean {
  return isYaml(name) && name !== RISK_FILE && !isTests(name)
}

function reportAbsent(
  files: readonly PolicyFile[],
  errors: LoadProblem[],
  warnings: LoadProblem[],
): void {
  const names = files.map((file) => file.name).filter(isYaml)
  if (!names.some(isPolicy)) {
    reporter('.', errors)(START, 'no_policy', 'add a policy: a .yml file with the key policy')
  }
  if (!names.includes(RISK_FILE)) {
    reporter(RISK_FILE, errors)(START, 'no_risk_matrix', `add the risk matrix, ${RISK_FILE}`)
  }
  if (!names.some(isTests)) {
    reporter('.', warnings)(START, 'no_tests', 'no *.tests.yml shows what these policies decide')
  }
}

function assemble(
  layers: readonly LayerTree[],
  matrix: MatrixTree,
  factors: readonly FactorTree[],
  parsed: ReadonlyMap<string, Tree>,
): PolicySet | undefined {
  const slots = new FieldSlots()
  const rules = layers.flatMap((layer) =>
    layer.rules.map((rule) => compileRule(rule, layer.waivers, layer.file, slots)),
  )
  const risk = compileRisk(matrix, factors, RISK_FILE, slots)
  if (!risk) return undefined
  const described = layers.map(({ policy, version, file }) => ({
    policy: policy!,
    version: version!,
    file,
  }))
  return {
    name: described.map((layer) => layer.policy).join('+'),
    version: described.map((layer) => layer.version).join('+'),
    digest: policyDigest([...parsed].map(([name, tree]) => ({ name, content: plainValue(tree) }))),
    layers: described,
    risk: { name: matrix.name, version: matrix.version, file: RISK_FILE },
    compiled: { readers: slots.readers, rules, risk },
  }
}

function byPlace(a: LoadProblem, b: LoadProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
