import { idNumber, sha256Text, wireTime } from '@ai-governance/common/answers'
import { jsonObject } from '@ai-governance/common/fields'
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

/** What a step of verification found. */
export const VerdictAnswer = z.strictObject({
  ok: z.boolean(),
  /** Entries that this step found right. */
  entries: z.int().min(0),
  first_bad_id: idNumber.nullable(),
  reason: z.string().nullable(),
  /** Root of the Merkle tree in hex; null while the log keeps no tree. */
  root: sha256Text.nullable(),
  /** Where the next step starts; null when this one reached the end or a fault. */
  next_from_id: idNumber.nullable(),
})
export type Verdict = z.infer<typeof VerdictAnswer>
