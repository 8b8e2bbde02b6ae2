import { type Input, readerOf } from './input.ts'
import type { Report } from './load-problem.ts'
import type { RiskFactor, RiskModel } from './policy-set.ts'
import { memberOf, placeOfKey, readMap, readName, readNumber, readShape } from './shape.ts'
import type { MapTree, Tree } from './yaml-tree.ts'

/** The risk matrix: what identifies it, and the inputs that it brings to every policy file. */
export interface RiskMatrix {
  readonly name: string | null
  readonly version: string | null
  readonly inputs: ReadonlyMap<string, Input>
  /** Null if the matrix has a problem. */
  readonly model: RiskModel | null
}

const KEYS = {
  required: ['weights', 'levels', 'deny_at'],
  optional: ['risk', 'version', 'scale', 'factors'],
}
const SCALE_KEYS = { required: ['min', 'max'], optional: [] }
const DEFAULT_SCALE = [0, 5] as const

/** Reads the risk matrix and compiles it; every problem has been reported. */
export function readRiskMatrix(
  file: string,
  tree: Tree,
  report: Report,
  warn: Report,
): RiskMatrix | undefined {
  let clean = true
  const noting: Report = (...problem) => {
    clean = false
    report(...problem)
  }
  const map = readShape(tree, 'the risk matrix', KEYS, noting)
  if (!map) return undefined
  const name = readName(memberOf(map, 'risk'), 'risk', noting) ?? null
  const version = readName(memberOf(map, 'version'), 'version', noting) ?? null
  refuseFactors(map, noting)
  const scale = readScale(memberOf(map, 'scale'), noting)
  const { factors, inputs } = readWeights(memberOf(map, 'weights'), scale, noting)
  const levels = readLevels(memberOf(map, 'levels'), noting)
  const denyAtTree = memberOf(map, 'deny_at')
  const denyAt = readNumber(denyAtTree, 'deny_at', noting)
  const worstScore = factors.reduce((sum, factor) => sum + factor.weight * factor.worst, 0)
  const largest = Math.max(Math.abs(scale[0]), Math.abs(scale[1]))
  // Bounds every sum on the way, so that no infinity can meet another and become NaN.
  const bound = factors.reduce((sum, { weight }) => sum + Math.abs(weight) * largest, 0)
  if (!Number.isFinite(bound)) {
    noting(placeOfKey(map, 'weights'), 'bad_range', 'the weights are too large to be added up')
  }
  if (!clean || denyAt === undefined || !denyAtTree) return { name, version, inputs, model: null }
  if (worstScore < denyAt) {
    const message = `the score is never above ${worstScore}, so deny_at never denies`
    warn(denyAtTree.at, 'risk_never_denies', message)
  }
  const { line } = denyAtTree.at
  const at = `${file}:${line}`
  const label = name ?? file
  const model = { name: label, at, line, scale, factors, levels, denyAt, worstScore }
  return { name, version, inputs, model }
}

function refuseFactors(map: MapTree, report: Report): void {
  const tree = memberOf(map, 'factors')
  if (!tree || (tree.kind === 'list' && tree.items.length === 0)) return
  const message = 'factors with bands or points are not supported yet; write factors: [] for now'
  report(placeOfKey(map, 'factors'), 'factors_not_supported', message)
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

function readWeights(tree: Tree | undefined, scale: readonly [number, number], report: Report) {
  const factors: RiskFactor[] = []
  const inputs = new Map<string, Input>()
  const map = tree && readMap(tree, 'weights', report)
  if (map?.entries.size === 0) {
    report(map.at, 'empty_list', 'weights names no factor, so the risk would always be 0')
  }
  const [min, max] = scale
  for (const [name, { keyAt, value }] of map?.entries ?? []) {
    if (!/^[A-Za-z_][\w-]{0,99}$/.test(name)) {
      report(keyAt, 'bad_name', 'the name of a factor holds letters, digits, _ and -')
    }
    const weight = readNumber(value, `weight of ${name}`, report)
    if (weight === undefined) continue
    const field = `risk.${name}`
    const input: Input = {
      field,
      source: 'payload',
      isList: false,
      type: 'number',
      min,
      max,
      allowed: undefined,
    }
    inputs.set(field, input)
    const worst = weight < 0 ? min : max
    factors.push({ field, read: readerOf(input), weight, worst, line: value.at.line })
  }
  return { factors, inputs }
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
