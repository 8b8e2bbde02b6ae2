import type { Input } from '../input.ts'
import type { RiskModel } from '../policy-set.ts'
import type { Place, Report } from './load-problem.ts'
import { FACTOR_ID, type FactorTree } from './read-factors.ts'
import { memberOf, placeOfKey, readMap, readName, readNumber, readShape } from './shape.ts'
import type { Tree } from './yaml-tree.ts'

/** The risk matrix, checked but not compiled. Parts with a problem are left out. */
export interface MatrixTree {
  readonly name: string | null
  readonly version: string | null
  readonly at: Place
  /** The factors of `weights`. */
  readonly weighted: readonly FactorTree[]
  /** The inputs that `weights` brings to every policy file, keyed by field. */
  readonly inputs: ReadonlyMap<string, Input>
  /** What `factors` holds; it reads inputs of policy files, which are read later. */
  readonly factors: Tree | undefined
  readonly levels: RiskModel['levels']
  readonly denyAt: { readonly value: number; readonly at: Place } | undefined
}

export const RISK_KEYS = {
  required: ['levels', 'deny_at'],
  optional: ['risk', 'version', 'scale', 'weights', 'factors'],
} as const
export const SCALE_KEYS = { required: ['min', 'max'], optional: [] } as const
const DEFAULT_SCALE = [0, 5] as const

/** Reads the risk matrix but for its `factors`; every problem has been reported. */
export function readRiskMatrix(tree: Tree, report: Report): MatrixTree | undefined {
  const map = readShape(tree, 'the risk matrix', RISK_KEYS, report)
  if (!map) return undefined
  const name = readName(memberOf(map, 'risk'), 'risk', report) ?? null
  const version = readName(memberOf(map, 'version'), 'version', report) ?? null
  const scale = readScale(memberOf(map, 'scale'), report)
  const weighted = readWeights(memberOf(map, 'weights'), scale, report)
  const inputs = new Map(weighted.map(({ input }) => [input.field, input]))
  const levels = readLevels(memberOf(map, 'levels'), report)
  const denyAtTree = memberOf(map, 'deny_at')
  const value = readNumber(denyAtTree, 'deny_at', report)
  const denyAt = denyAtTree && value !== undefined ? { value, at: denyAtTree.at } : undefined
  const factors = memberOf(map, 'factors')
  const isNamed = map.entries.has('weights') || (factors?.kind === 'list' && factors.items.length)
  if (!isNamed) {
    report(map.at, 'missing_key', 'the risk matrix needs weights or factors, or both')
  }
  const at = placeOfKey(map, 'weights')
  return { name, version, at, weighted, inputs, factors, levels, denyAt }
}

/** Checks what concerns all factors together: whether they can be added up, and reach the limit. */
export function checkSum(
  matrix: MatrixTree,
  factors: readonly FactorTree[],
  report: Report,
  warn: Report,
): void {
  // Bounds every sum on the way, so that no infinity can meet another and become NaN.
  const bound = factors.reduce(
    (sum, { weight, points }) => sum + Math.abs(weight) * Math.max(...points.map(Math.abs)),
    0,
  )
  if (!Number.isFinite(bound)) {
    report(matrix.at, 'bad_range', 'the weights are too large to be added up')
  }
  const { denyAt } = matrix
  const worst = worstScoreOf(factors)
  if (denyAt && worst < denyAt.value) {
    const message = `the score is never above ${worst}, so deny_at never denies`
    warn(denyAt.at, 'risk_never_denies', message)
  }
}

/** The points of a factor that make the sum largest. */
export function worstPoints({ weight, points }: FactorTree): number {
  return weight < 0 ? Math.min(...points) : Math.max(...points)
}

/** The score of a request that says nothing about risk, added up in the order of evaluation. */
export function worstScoreOf(factors: readonly FactorTree[]): number {
  return factors.reduce((sum, factor) => sum + factor.weight * worstPoints(factor), 0)
}

function readScale(tree: Tree | undefined, report: Report): readonly [number, number] {
  const map = tree && readShape(tree, 'scale', SCALE_KEYS, report)
  if (!map) return DEFAULT_SCALE
  const min = readNumber(memberOf(map, 'min'), 'min of scale', report)
  const max = readNumber(memberOf(map, 'max'), 'max of scale', report)
  if (min === undefined || max === undefined) return DEFAULT_SCALE
  if (min >= max) report(map.at, 'bad_range', 'min of scale must be below its max')
  return [min, max]
}

/** `weights`: factors that the payload states on the scale itself, under `risk.<factor>`. */
function readWeights(
  tree: Tree | undefined,
  scale: readonly [number, number],
  report: Report,
): FactorTree[] {
  const factors: FactorTree[] = []
  const map = tree && readMap(tree, 'weights', report)
  if (map?.entries.size === 0) {
    report(map.at, 'empty_list', 'weights names no factor; leave it out if factors has some')
  }
  const [min, max] = scale
  for (const [id, { keyAt, value }] of map?.entries ?? []) {
    if (!FACTOR_ID.test(id)) {
      report(keyAt, 'bad_name', 'the name of a factor holds letters, digits, _ and -')
    }
    const weight = readNumber(value, `weight of ${id}`, report)
    if (weight === undefined) continue
    const input: Input = {
      field: `risk.${id}`,
      source: 'payload',
      isList: false,
      type: 'number',
      min,
      max,
      allowed: undefined,
    }
    const pointsOf = (stated: unknown) => stated as number
    const scoring = { pointsOf, points: scale, op: 'within' as const, expected: scale }
    factors.push({ id, input, weight, ...scoring, line: value.at.line })
  }
  return factors
}

function readLevels(tree: Tree | undefined, report: Report): { name: string; from: number }[] {
  const levels: { name: string; from: number }[] = []
  const map = tree && readMap(tree, 'levels', report)
  if (map?.entries.size === 0) report(map.at, 'empty_list', 'levels must name at least one level')
  for (const [name, { value }] of map?.entries ?? []) {
    const from = readNumber(value, `level ${name}`, report)
    if (from === undefined) continue
    if (levels.some((level) => level.from === from)) {
      report(value.at, 'bad_range', `two levels start at ${from}`)
    }
    levels.push({ name, from })
  }
  return levels.sort((a, b) => a.from - b.from)
}
