import { hash } from 'node:crypto'
import { sha256Text } from '@ai-governance/common/answers'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { jsonObject, text } from '@ai-governance/common/requests/fields'
import { z } from 'zod'

export const GateBody = z.strictObject({
  payload: jsonObject,
  /** What is decided about, as the entry names it. */
  subject: text(500),
  /** Whether the payload goes on record too, so that the decision can be judged again from the log alone. */
  record: z.enum(['full', 'digest']).default('digest'),
})
export type GateBody = z.infer<typeof GateBody>

export const GateQuery = z.strictObject({
  proof: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
})

/** What the gate needs of a decision of mcp-policy; the rest goes through as it is. */
export const Verdict = z.looseObject({
  allowed: z.boolean(),
  reasons: z.array(z.string()),
  decision_id: z.string(),
  input_digest: z.string(),
})
export type Verdict = z.infer<typeof Verdict>

/** What the gate needs of an entry of mcp-audit. */
export const Receipt = z.looseObject({
  id: z.int().min(1),
  event_type: z.literal('gate.decided'),
  subject: z.string(),
  decision: z.boolean(),
  /** Null once erased. */
  details: z.looseObject({ decision: Verdict }).nullable(),
  entry_hash: sha256Text,
})

export type Receipt = z.infer<typeof Receipt>

/** `"sha256:"` and the hex SHA-256 of the canonical payload, docs/FORMATS.md. */
export function inputDigest(payload: JsonObject): string {
  return `sha256:${hash('sha256', canonicalJson(payload))}`
}

/** An artifact that is named by its digest, such as `sha256:…`. */
const DIGEST = /^[a-z0-9-]+:[0-9a-f]{64,128}$/

/** The event that records a decision, docs/FORMATS.md. */
export function gateEvent({ payload, subject, record }: GateBody, decision: Verdict): object {
  const named = Array.isArray(payload.artifacts) ? payload.artifacts : []
  const artifacts = named.filter((it) => typeof it === 'string' && DIGEST.test(it))
  return {
    event_type: 'gate.decided',
    subject,
    decision: decision.allowed,
    details: { record, decision, artifacts, ...(record === 'full' && { payload }) },
  }
}
