import { checkLayers } from './check-layers.ts'
import { compileRule, FieldSlots } from './compile.ts'
import { policyDigest } from './digest.ts'
import { formatLoadProblem, type LoadProblem, reporter } from './load-problem.ts'
import type { PolicySet } from './policy-set.ts'
import { type LayerTree, readLayer } from './read-layer.ts'
import { type RiskMatrix, readRiskMatrix } from './read-risk.ts'
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
  const risk = riskTree && readRisk(riskTree, errors, warnings)
  const layers: LayerTree[] = []
  for (const [file, tree] of parsed) {
    if (file === RISK_FILE) continue
    const report = reporter(file, errors)
    const layer = readLayer(file, tree, risk?.inputs, report, reporter(file, warnings))
    if (layer) layers.push(layer)
  }
  checkLayers(layers, risk?.inputs ?? new Map(), errors)
  reportAbsent(files, errors, warnings)
  if (errors.length > 0 || !risk?.model) return { ok: false, errors: errors.sort(byPlace) }
  return { ok: true, set: assemble(layers, risk, parsed), warnings: warnings.sort(byPlace) }
}

function readRisk(
  tree: Tree,
  errors: LoadProblem[],
  warnings: LoadProblem[],
): RiskMatrix | undefined {
  const report = reporter(RISK_FILE, errors)
  return readRiskMatrix(RISK_FILE, tree, report, reporter(RISK_FILE, warnings))
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
      else if (tree) {
        const kinds = `a policy has the key policy, the risk matrix is called ${RISK_FILE}`
        report(START, 'unknown_file_kind', `the file is neither: ${kinds}`)
      }
    }
    seen.add(name)
  }
  return parsed
}

function isYaml(name: string): boolean {
  return !name.includes('/') && /\.ya?ml$/i.test(name)
}

function isTests(name: string): boolean {
  return name.endsWith('.tests.yml')
}

function reportAbsent(
  files: readonly PolicyFile[],
  errors: LoadProblem[],
  warnings: LoadProblem[],
): void {
  const names = files.map((file) => file.name).filter(isYaml)
  if (!names.some((name) => name !== RISK_FILE && !isTests(name))) {
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
  risk: RiskMatrix,
  parsed: ReadonlyMap<string, Tree>,
): PolicySet {
  const slots = new FieldSlots()
  const rules = layers.flatMap((layer) =>
    layer.rules.map((rule) => compileRule(rule, layer.file, slots)),
  )
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
    risk: { name: risk.name, version: risk.version, file: RISK_FILE },
    compiled: { readers: slots.readers, rules, risk: risk.model! },
  }
}

function byPlace(a: LoadProblem, b: LoadProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}
