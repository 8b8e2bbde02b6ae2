import { idNumber, sha256Text, wireTime } from '@ai-governance/common/answers'
import { ERROR_CODES } from '@ai-governance/common/errors'
import { jsonObject } from '@ai-governance/common/requests/fields'
import { z } from 'zod'

/** An entry on the wire, as `entryJson` writes it (docs/FORMATS.md). */
export const EntryAnswer = z.strictObject({
  id: idNumber,
  event_type: z.string(),
  subject: z.string(),
  decision: z.boolean(),
  /** Null once erased, like `details_salt`. */
  details: jsonObject.nullable(),
  details_salt: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  details_hash: sha256Text,
  actor: z.string().nullable(),
  request_id: z.string().nullable(),
  created_at: wireTime,
  prev_hash: sha256Text,
  entry_hash: sha256Text,
  erased: z.literal(true).optional(),
  erased_by: idNumber.optional(),
})

export const EventsAnswer = z.array(EntryAnswer)

const base64Hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/)

/** The inclusion proof of an entry (docs/FORMATS.md). */
export const InclusionAnswer = z.strictObject({
  index: z.int().min(0),
  size: z.int().min(1),
  hashes: z.array(base64Hash),
  /** A signed note. */
  checkpoint: z.string(),
})

/** The proof that one checkpoint continues another. */
export const ConsistencyAnswer = z.strictObject({
  from: z.int().min(0),
  to: z.int().min(0),
  hashes: z.array(base64Hash),
  checkpoint: z.string(),
})

/** An entry with its proof, or with the reason why there is none. */
export const ProvenEntryAnswer = EntryAnswer.extend({
  proof: InclusionAnswer.nullable(),
  proof_error: z.strictObject({ code: z.enum(ERROR_CODES), detail: z.string() }).optional(),
})

/** A signed envelope of DSSE: `payload` and `sig` in base64. */
export const EnvelopeAnswer = z.strictObject({
  payloadType: z.literal('application/vnd.in-toto+json'),
  payload: z.base64(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.base64() })),
})

/** What an erasure did, and the entry that says so. */
export const ErasureAnswer = z.strictObject({ count: z.int().min(0), audit: EntryAnswer })

/** What a run of retention did. */
export const RetentionAnswer = z.strictObject({
  count: z.int().min(0),
  skipped_held: z.int().min(0),
  /** Whether there is more that is as old: then the next run erases it. */
  more: z.boolean(),
  audit: EntryAnswer,
})

/** A legal hold. */
export const HoldAnswer = z.strictObject({
  id: idNumber,
  subject: z.string().nullable(),
  first_id: idNumber.nullable(),
  last_id: idNumber.nullable(),
  reason: z.string(),
  /** The entry that placed it. */
  audit_id: idNumber,
  created_at: wireTime,
  /** The entry that released it; null while it is in force. */
  released_by: idNumber.nullable(),
  released_at: wireTime.nullable(),
})

export const HoldsAnswer = z.array(HoldAnswer)

/** What a step of verification found. */
export const VerdictAnswer = z.strictObject({
  ok: z.boolean(),
  /** Entries that this step found right. */
  entries: z.int().min(0),
  first_bad_id: idNumber.nullable(),
  reason: z.string().nullable(),
  /** Root of the tree over the whole log in hex; null in a step that does not reach its end. */
  root: sha256Text.nullable(),
  /** Where the next step starts; null when this one reached the end or a fault. */
  next_from_id: idNumber.nullable(),
})
export type Verdict = z.infer<typeof VerdictAnswer>
