import { idNumber, sha256Text, wireTime } from '@ai-governance/common/answers'
import { jsonObject } from '@ai-governance/common/requests/fields'
import { z } from 'zod'

/** A record on the wire, as `recordJson` writes it. */
export const RecordAnswer = z.strictObject({
  id: idNumber,
  model_id: z.string(),
  version: z.string(),
  revision: z.int().min(1),
  artifacts: z.array(z.string()),
  created_by: z.string(),
  metadata: jsonObject,
  aibom: jsonObject.nullable(),
  parents: z.array(
    z.union([
      z.strictObject({ model_id: z.string(), version: z.string() }),
      z.strictObject({ dataset: z.string() }),
    ]),
  ),
  created_at: wireTime,
  record_hash: sha256Text,
  /** The log entry that attests the record. */
  audit: z.strictObject({ id: idNumber, entry_hash: sha256Text }),
})

export const RecordsAnswer = z.array(RecordAnswer)

/** What a step of verification found. */
export const VerdictAnswer = z.strictObject({
  ok: z.boolean(),
  /** Records that this step found right. */
  records: z.int().min(0),
  first_bad_id: idNumber.nullable(),
  reason: z.string().nullable(),
  /** Where the next step starts; null when this one reached the end or a fault. */
  next_from_id: idNumber.nullable(),
})
export type Verdict = z.infer<typeof VerdictAnswer>
