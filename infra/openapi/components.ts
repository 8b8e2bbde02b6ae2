import { z } from 'zod'
import { OkAnswer } from '../../services/common/src/answers.ts'
import { ProblemAnswer } from '../../services/common/src/errors.ts'
import { jsonObject, momentParameter } from '../../services/common/src/requests/fields.ts'
import * as audit from '../../services/mcp-audit/src/answers.ts'
import { BatchBody, EventBody } from '../../services/mcp-audit/src/append-routes.ts'
import {
  EraseBody,
  HoldBody,
  ReleaseBody,
  RetentionBody,
} from '../../services/mcp-audit/src/erasure-routes.ts'
import * as gateway from '../../services/mcp-gateway/src/answers.ts'
import { GateBody } from '../../services/mcp-gateway/src/gate/gate-question.ts'
import * as lineage from '../../services/mcp-lineage/src/answers.ts'
import { RegisterBody } from '../../services/mcp-lineage/src/routes.ts'
import { VerifyAibomBody } from '../../services/mcp-policy/src/aibom-routes.ts'
import * as policy from '../../services/mcp-policy/src/answers.ts'
import { ValidateBody } from '../../services/mcp-policy/src/routes.ts'

export type JsonSchema = Record<string, unknown>

/** What the services answer with, under the names that the document gives them. */
const ANSWERS = {
  Ok: OkAnswer,
  Ready: policy.ReadyAnswer,
  Problem: ProblemAnswer,
  Directory: gateway.DirectoryAnswer,
  RegisteredModel: gateway.RegisteredAnswer,
  LineageRecord: lineage.RecordAnswer,
  LineageVerdict: lineage.VerdictAnswer,
  Decision: policy.DecisionAnswer,
  AibomResult: policy.AibomAnswer,
  Policies: policy.PoliciesAnswer,
  ActivatedPolicies: policy.ActivatedPoliciesAnswer,
  Entry: audit.EntryAnswer,
  ProvenEntry: audit.ProvenEntryAnswer,
  InclusionProof: audit.InclusionAnswer,
  ConsistencyProof: audit.ConsistencyAnswer,
  AuditVerdict: audit.VerdictAnswer,
  Erasure: audit.ErasureAnswer,
  RetentionRun: audit.RetentionAnswer,
  Hold: audit.HoldAnswer,
  Envelope: audit.EnvelopeAnswer,
} as const

/** What they take. */
const REQUESTS = {
  Registration: RegisterBody,
  GateRequest: GateBody,
  DecisionRequest: ValidateBody,
  AibomRequest: VerifyAibomBody,
  Event: EventBody,
  EventBatch: BatchBody,
  ErasureOrder: EraseBody,
  HoldOrder: HoldBody,
  ReleaseOrder: ReleaseBody,
  RetentionOrder: RetentionBody,
} as const

/** Schemas that no zod schema stands behind, because the services look at the text instead. */
const BY_HAND = {
  JsonValue: {
    description:
      'Any JSON value within what docs/FORMATS.md accepts: no U+0000, no lone surrogate, no integer beyond ' +
      '±(2^53-1) (larger numbers only with an exponent), at most 64 levels, no member `__proto__`.',
    anyOf: [
      { type: ['null', 'boolean'] },
      { type: 'number', minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      { type: 'string', pattern: String.raw`^[^\u0000]*$` },
      { type: 'array', items: { $ref: ref('JsonValue') } },
      { $ref: ref('JsonObject') },
    ],
  },
  JsonObject: {
    description: 'An object of the caller’s own; its members are not looked at.',
    type: 'object',
    propertyNames: { pattern: String.raw`^[^\u0000]*$`, not: { const: '__proto__' } },
    additionalProperties: { $ref: ref('JsonValue') },
  },
  Moment: {
    description:
      'RFC 3339 with an offset, of the years 1685 to 2254; more than six decimals are cut off.',
    type: 'string',
    format: 'date-time',
    pattern:
      '^(?:1[7-9][0-9]{2}|168[5-9]|169[0-9]|2[01][0-9]{2}|22[0-4][0-9]|225[0-4])-[0-9]{2}-[0-9]{2}[Tt]' +
      String.raw`[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$`,
  },
  GateDecision: {
    description:
      'What was decided, and the entry that records it; `decision` is read from that entry.',
    type: 'object',
    properties: {
      allowed: { type: 'boolean' },
      decision: { $ref: ref('Decision') },
      audit: { anyOf: [{ $ref: ref('Entry') }, { $ref: ref('ProvenEntry') }] },
    },
    required: ['allowed', 'decision', 'audit'],
    additionalProperties: false,
  },
  ExportTrailer: {
    description:
      'The last line of an NDJSON export (docs/FORMATS.md); without it the export broke off.',
    type: 'object',
    required: ['trailer'],
    properties: { trailer: { const: true } },
  },
} as const

export type ComponentName = keyof typeof ANSWERS | keyof typeof REQUESTS | keyof typeof BY_HAND

/** Where a component stands in the document. */
export function ref(name: string): string {
  return `#/components/schemas/${name}`
}

/** Schemas by identity, for what `z.custom` and transforms hide from zod itself. */
const HIDDEN = new Map<unknown, ComponentName>([
  [jsonObject, 'JsonObject'],
  [momentParameter, 'Moment'],
  [VerifyAibomBody.shape.aibom, 'JsonValue'],
])

type Override = NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']
const override: Override = ({ zodSchema, jsonSchema }) => {
  const hidden = HIDDEN.get(zodSchema)
  if (hidden) {
    for (const name of Object.keys(jsonSchema)) delete jsonSchema[name]
    jsonSchema.$ref = ref(hidden)
  }
  namePropertiesOf(jsonSchema)
  // Of TypeScript alone: in OpenAPI it would say that a request may not have it.
  delete jsonSchema.readOnly
  // The digits of a number in a query: its type says it.
  if (jsonSchema.type === 'integer') delete jsonSchema.pattern
}

/** A record of a few names, all of them needed, as an object that names them. */
function namePropertiesOf(schema: JsonSchema): void {
  const { propertyNames, required, additionalProperties } = schema
  if (!propertyNames || !Array.isArray(required)) return
  schema.properties = Object.fromEntries(required.map((name) => [name, additionalProperties]))
  schema.additionalProperties = false
  delete schema.propertyNames
}

const asJson = { target: 'draft-2020-12', unrepresentable: 'any', override } as const

function converted(schemas: Record<string, z.ZodType>, io: 'input' | 'output') {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id })
  const result = z.toJSONSchema(registry, { ...asJson, io, uri: ref })
  return Object.fromEntries(
    Object.entries(result.schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
  )
}

/** Every named schema of the document. */
export function components(): Record<string, JsonSchema> {
  const all: Record<string, JsonSchema> = {
    ...converted(ANSWERS, 'output'),
    ...converted(REQUESTS, 'input'),
    ...structuredClone(BY_HAND),
  }
  // The gateway passes a record on as it is; what it is its service says.
  const registered = all.RegisteredModel?.properties as Record<string, JsonSchema>
  registered.lineage = { $ref: ref('LineageRecord') }
  return all
}

/** The members of an object schema as it stands in a query: name, schema, and whether it is needed. */
export function queryOf(
  schema: z.ZodObject,
): { name: string; schema: JsonSchema; required: boolean }[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { ...asJson, io: 'input' })
  return Object.entries(properties).map(([name, property]) => ({
    name,
    schema: withDefault(property as JsonSchema, schema.shape[name]),
    required: required.includes(name),
  }))
}

/** zod leaves out the default of a value that it transforms; in a query it is text either way. */
function withDefault(property: JsonSchema, schema: unknown): JsonSchema {
  if (!(schema instanceof z.ZodDefault)) return property
  const value: unknown = schema.def.defaultValue
  return { ...property, default: property.type === 'string' ? String(value) : value }
}
