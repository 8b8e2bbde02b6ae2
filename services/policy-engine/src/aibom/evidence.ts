import type { JsonObject } from '@ai-governance/common/formats/canonical-json'
import { componentName, componentsOf, digestsOf } from './binding.ts'
import { datasetsOf } from './datasets.ts'
import { energyOf, metricsOf } from './numbers.ts'
import { licensesOf, listOf, member, put, text, texts } from './read.ts'

/**
 * What a CycloneDX bill says of one of its models, in the fields that rules with `source: aibom` read;
 * the table is in docs/FORMATS.md. Only what the bill says without doubt is there: a value of an odd
 * type, a list of which one part is unknown, and a metric that is given twice are left out, and so
 * never established.
 */
export function evidenceOfModel(model: JsonObject, bom: JsonObject): JsonObject {
  const card = member(model, 'modelCard')
  const evidence: JsonObject = {}
  put(evidence, 'model_id', componentName(model))
  put(evidence, 'version', text(model.version))
  const digests = digestsOf(model)
  put(evidence, 'artifacts', digests ? [...digests] : undefined)
  put(evidence, 'licenses', licensesOf(model))
  put(evidence, 'supplier', text(member(model, 'supplier').name))
  put(evidence, 'model', parametersOf(card))
  put(evidence, 'considerations', considerationsOf(card))
  put(evidence, 'metrics', metricsOf(card))
  put(evidence, 'energy', energyOf(card))
  put(evidence, 'datasets', datasetsOf(card, componentsOf(bom)))
  put(evidence, 'ancestors', ancestorsOf(model))
  return evidence
}

function parametersOf(card: JsonObject): JsonObject {
  const parameters = member(card, 'modelParameters')
  const format = (part: JsonObject) => text(part.format)
  const fields: JsonObject = {}
  put(fields, 'approach', text(member(parameters, 'approach').type))
  put(fields, 'task', text(parameters.task))
  put(fields, 'architecture_family', text(parameters.architectureFamily))
  put(fields, 'architecture', text(parameters.modelArchitecture))
  put(fields, 'inputs', listOf(parameters.inputs, format))
  put(fields, 'outputs', listOf(parameters.outputs, format))
  return fields
}

function considerationsOf(card: JsonObject): JsonObject {
  const considerations = member(card, 'considerations')
  const fields: JsonObject = {}
  put(fields, 'users', texts(considerations.users))
  put(fields, 'use_cases', texts(considerations.useCases))
  put(fields, 'technical_limitations', texts(considerations.technicalLimitations))
  put(fields, 'performance_tradeoffs', texts(considerations.performanceTradeoffs))
  const { ethicalConsiderations, fairnessAssessments } = considerations
  put(
    fields,
    'ethical',
    listOf(ethicalConsiderations, ({ name }) => text(name)),
  )
  put(
    fields,
    'groups_at_risk',
    listOf(fairnessAssessments, ({ groupAtRisk }) => text(groupAtRisk)),
  )
  return fields
}

/** Of the direct ancestors alone: what they descend from is for their own bills to say. */
function ancestorsOf(model: JsonObject): JsonObject {
  const { ancestors } = member(model, 'pedigree')
  const fields: JsonObject = {}
  if (!Array.isArray(ancestors)) return fields
  fields.count = ancestors.length
  put(fields, 'names', listOf(ancestors, componentName))
  const nameAndVersion = (ancestor: JsonObject) => {
    const name = componentName(ancestor)
    const version = text(ancestor.version)
    return name && version ? `${name}@${version}` : undefined
  }
  put(fields, 'versions', listOf(ancestors, nameAndVersion))
  put(fields, 'licenses', listOf(ancestors, licensesOf))
  return fields
}
