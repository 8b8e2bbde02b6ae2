import { idNumber, OkAnswer, sha256Text, wireTime } from '@ai-governance/common/answers'
import { z } from 'zod'
import { ActivationDetails, policyDigestText } from './activation-record.ts'

const scalar = z.union([z.string(), z.number(), z.boolean()])
const scalars = z.union([scalar, z.array(scalar).readonly()])
const digest = policyDigestText
const outcome = z.enum(['kept', 'broken', 'not_established', 'not_applicable', 'waived'])

/** What is known of an AI bill of materials, docs/FORMATS.md. */
export const AibomAnswer = z.strictObject({
  status: z.enum(['verified', 'absent', 'invalid', 'untrusted_key', 'unsupported']),
  format: z.enum(['detached-jcs', 'cyclonedx-jsf']).nullable(),
  /** The configured key that verified it, or the one it names. */
  key_id: z.string().nullable(),
  /** SHA-256 in hex over the signed bytes. */
  canonical_sha256: sha256Text.nullable(),
  /** Why it is not verified, or why a verified one is not bound, as a word. */
  reason: z.string().nullable(),
  /** Whether it is verified and of the model that the request names; there where a model was asked for. */
  bound: z.boolean().optional(),
})

/** What became of one rule, or of the risk limit. */
const explanation = z.strictObject({
  rule: z.string(),
  outcome,
  /** `file:line` of the rule. */
  at: z.string(),
  law: z.array(z.string()).readonly(),
  because: z.array(
    z.strictObject({
      line: z.int(),
      field: z.string(),
      op: z.string(),
      expected: scalars,
      actual: scalars.nullable(),
      why: z
        .enum(['missing', 'wrong_type', 'out_of_range', 'not_in_enum', 'unverified'])
        .optional(),
    }),
  ),
})

/** What one risk factor adds to the score: weight × points. */
const riskPart = z.strictObject({
  factor: z.string(),
  field: z.string(),
  value: scalar.nullable(),
  weight: z.number(),
  points: z.number(),
  /** Whether it counts at its worst, because nothing with points is established. */
  worst: z.boolean(),
})

/** The decision about a payload: what the policy engine says of it, and what identifies it. */
export const DecisionAnswer = z.strictObject({
  allowed: z.boolean(),
  reasons: z.array(z.string()),
  risk_score: z.number(),
  risk_level: z.string(),
  risk_parts: z.array(riskPart),
  explanation: z.array(explanation),
  warnings: z.array(z.string()),
  waived: z.array(z.string()),
  counts: z.record(outcome, z.int().min(0)),
  within_sla: z.boolean(),
  elapsed_ms: z.number(),
  decision_id: z.uuid(),
  evaluated_at: wireTime,
  policy: z.strictObject({ name: z.string(), version: z.string(), digest }),
  input_digest: digest,
  aibom: AibomAnswer,
})
export type Decision = z.infer<typeof DecisionAnswer>

/** Since when the folder holds a set that was not taken, and why, as `file:line:column code message`. */
const stale = z.strictObject({
  since: z.iso.datetime({ precision: 3 }),
  errors: z.array(z.string()).readonly(),
})
export type StaleAnswer = z.infer<typeof stale>

/** The answer of `GET /readyz` while the service serves. */
export const ReadyAnswer = OkAnswer.extend({ stale: stale.optional() })

/** The policies that decide now. */
export const PoliciesAnswer = z.strictObject({
  name: z.string(),
  version: z.string(),
  digest,
  layers: z
    .array(z.strictObject({ policy: z.string(), version: z.string(), file: z.string() }).readonly())
    .readonly(),
  risk: z
    .strictObject({
      name: z.string().nullable(),
      version: z.string().nullable(),
      file: z.string(),
    })
    .readonly(),
  loaded_at: z.iso.datetime({ precision: 3 }),
  warnings: z.array(z.string()).readonly(),
  stale: stale.nullable(),
  /** Whether the log has an entry that says that this set is active. */
  recorded: z.boolean(),
})
export type Policies = z.infer<typeof PoliciesAnswer>

/** A set that was active, as its `policy.activated` entry says. */
export const ActivatedPoliciesAnswer = z.strictObject({
  ...ActivationDetails.shape,
  /** Where on the log. */
  audit: z.strictObject({ id: idNumber, entry_hash: sha256Text, created_at: wireTime }),
})
export type ActivatedPolicies = z.infer<typeof ActivatedPoliciesAnswer>
