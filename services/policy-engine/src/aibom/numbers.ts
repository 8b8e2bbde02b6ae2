import type { JsonObject, JsonValue } from '@ai-governance/common/formats/canonical-json'
import { asList, isObject, member } from './read.ts'

/** A number as JSON writes it. "91 %", "0,91", ".91" and "~0.91" are no numbers. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/**
 * `metrics.<type>` of `performanceMetrics`: the value computed on no slice, which by CycloneDX is the
 * whole. The name of the type is in lower case, with `_` for every run of other characters, so that
 * "F1 score" is `f1_score`. A type that is given twice without a slice is left out.
 */
export function metricsOf(card: JsonObject): JsonObject {
  const { performanceMetrics } = member(card, 'quantitativeAnalysis')
  const metrics: [string, number | undefined][] = []
  for (const metric of objects(performanceMetrics)) {
    if (typeof metric.type !== 'string' || isSliced(metric)) continue
    metrics.push([fieldName(metric.type), number(metric.value)])
  }
  return unique(metrics)
}

/**
 * `energy.<activity>_kwh` and `energy.<activity>_tco2eq` of `energyConsumptions` (CycloneDX 1.6 and
 * later, which knows these units alone). An activity that is given twice is left out: whether its parts
 * add up is not said.
 */
export function energyOf(card: JsonObject): JsonObject {
  const { energyConsumptions } = member(
    member(card, 'considerations'),
    'environmentalConsiderations',
  )
  const figures: [string, number | undefined][] = []
  for (const use of objects(energyConsumptions)) {
    if (typeof use.activity !== 'string') continue
    const activity = fieldName(use.activity)
    figures.push([`${activity}_kwh`, measure(use.activityEnergyCost, 'kWh')])
    figures.push([`${activity}_tco2eq`, measure(use.co2CostEquivalent, 'tCO2eq')])
  }
  return unique(figures)
}

function measure(value: JsonValue | undefined, unit: string): number | undefined {
  return isObject(value) && value.unit === unit ? number(value.value) : undefined
}

/** The figures whose name occurs once and whose value is a number. */
function unique(figures: readonly (readonly [string, number | undefined])[]): JsonObject {
  const counts = new Map<string, number>()
  for (const [name] of figures) counts.set(name, (counts.get(name) ?? 0) + 1)
  const fields: JsonObject = {}
  for (const [name, value] of figures) {
    if (value !== undefined && counts.get(name) === 1) fields[name] = value
  }
  return fields
}

/** A slice that is null or empty is one that nobody named, not none. */
function isSliced(metric: JsonObject): boolean {
  return Object.hasOwn(metric, 'slice')
}

/** CycloneDX writes metrics as texts and energy as numbers. */
function number(value: JsonValue | undefined): number | undefined {
  const parsed = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : undefined
}

function fieldName(type: string): string {
  return type.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
}

function objects(list: JsonValue | undefined): JsonObject[] {
  return asList(list).filter(isObject)
}
