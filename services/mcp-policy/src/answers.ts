import { sha256Text, wireTime } from '@ai-governance/common/answers'
import { z } from 'zod'

const scalar = z.union([z.string(), z.number(), z.boolean()])
const scalars = z.union([scalar, z.array(scalar).readonly()])
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const outcome = z.enum(['kept', 'broken', 'not_established', 'not_applicable', 'waived'])

/** What is known of an AI bill of materials, docs/FORMATS.md. */
export const AibomAnswer = z.strictObject({
  status: z.enum(['verified', 'absent', 'invalid', 'untrusted_key', 'unsupported']),
  format: z.literal('detached-jcs').nullable(),
  /** The configured key that verified it, or the one it names. */
  key_id: z.string().nullable(),
  /** SHA-256 in hex over the signed bytes. */
  canonical_sha256: sha256Text.nullable(),
  /** Why it is not verified, as a word. */
  reason: z.string().nullable(),
})
export type AibomResult = z.infer<typeof AibomAnswer>

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

/** The decision about a payload: what the policy engine says of it, and what identifies it. */
export const DecisionAnswer = z.strictObject({
  allowed: z.boolean(),
  reasons: z.array(z.string()),
  risk_score: z.number(),
  risk_level: z.string(),
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
  warnings: z.array(z.string()),
  /** What is wrong with a newer set that was not taken; there is no such thing yet. */
  stale: z.null(),
})
export type Policies = z.infer<typeof PoliciesAnswer>
