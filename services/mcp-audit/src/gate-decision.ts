import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { jsonObject } from '@ai-governance/common/requests/fields'
import { z } from 'zod'

/** The type of the entries that the gate writes. */
const GATE_DECIDED = 'gate.decided'

const digestText = z.string().regex(/^sha256:[0-9a-f]{64}$/)

/** What a decision of the gate was asked about: asked again under its key, this must be the same. */
export const GateQuestion = z.strictObject({
  subject: z.string(),
  /** Whether the payload is recorded too. */
  record: z.enum(['full', 'digest']),
  /** `"sha256:"` and the hex SHA-256 of the canonical payload. */
  input_digest: digestText,
})
export type GateQuestion = z.infer<typeof GateQuestion>

/** Details of a `gate.decided` entry (docs/FORMATS.md), as far as this service reads them. */
export const GateDetails = z.looseObject({
  record: GateQuestion.shape.record,
  decision: z.looseObject({
    allowed: z.boolean(),
    decision_id: z.string(),
    evaluated_at: z.string(),
    input_digest: digestText,
    policy: z.looseObject({ name: z.string(), version: z.string(), digest: digestText }),
    aibom: z.looseObject({
      status: z.string(),
      bound: z.boolean().optional(),
      canonical_sha256: z.string().nullable(),
    }),
  }),
  artifacts: z.array(z.string()),
  payload: jsonObject.optional(),
})
export type GateDetails = z.infer<typeof GateDetails>

interface Recorded {
  event_type: string
  subject: string
  /** Canonical JSON text; null once erased. */
  details: string | null
}

/** The details of a decision of the gate; null where an entry is none, or its details are erased. */
export function gateDetailsOf({ event_type, details }: Recorded): GateDetails | null {
  if (event_type !== GATE_DECIDED || details === null) return null
  return GateDetails.safeParse(JSON.parse(details)).data ?? null
}

/** What a decision of the gate was asked about; null where that cannot be told. */
export function questionOf(recorded: Recorded): GateQuestion | null {
  const details = gateDetailsOf(recorded)
  if (!details) return null
  const { record, decision } = details
  return { subject: recorded.subject, record, input_digest: decision.input_digest }
}

/**
 * Whether two decisions of the gate answer the same question. What they say may differ: the second was made at another
 * time, perhaps by other policies, and the first is the one that counts.
 */
export function isSameQuestion(one: GateQuestion | null, other: GateQuestion | null): boolean {
  return one !== null && other !== null && textOf(one) === textOf(other)
}

const textOf = (question: GateQuestion) => canonicalJson(question as unknown as JsonObject)
