import { idNumber, sha256Text, wireTime } from '@ai-governance/common/answers'
import { entryFault } from '@ai-governance/common/formats/audit-entry'
import { canonicalJson, type JsonValue } from '@ai-governance/common/formats/canonical-json'
import { parseMicroseconds } from '@ai-governance/common/formats/timestamps'
import { jsonObject } from '@ai-governance/common/requests/fields'
import { SEMANTICS } from '@ai-governance/policy-engine/digest'
import { loadPolicySet } from '@ai-governance/policy-engine/load/load-policies'
import { z } from 'zod'
import { ACTIVATED, ActivationDetails } from './activation-record.ts'

/** Who writes such entries; mcp-audit takes them from nobody else. */
export const RECORDED_BY = 'service:mcp-policy'

/** An entry as mcp-audit gives it (docs/FORMATS.md); `details` may be those of another version of this service. */
const Entry = z.object({
  id: idNumber,
  event_type: z.literal(ACTIVATED),
  subject: z.string(),
  decision: z.literal(true),
  details: jsonObject,
  details_salt: z.string().regex(/^[0-9a-f]{32}$/),
  details_hash: sha256Text,
  actor: z.literal(RECORDED_BY),
  request_id: z.string().nullable(),
  created_at: wireTime,
  prev_hash: sha256Text,
  entry_hash: sha256Text,
})

/** An entry of the log that says what became active. */
export interface ActivationEntry {
  id: number
  entry_hash: string
  created_at: string
  /** Null where they have a form that this version does not know. */
  details: ActivationDetails | null
}

/**
 * Reads such an entry. Its hashes must be those of its content, so that whoever holds a checkpoint can hold the
 * answers of this service against it.
 *
 * @returns or why it is none, as a sentence without its full stop
 */
export function readActivationEntry(value: JsonValue): ActivationEntry | string {
  const read = Entry.safeParse(value)
  if (!read.success) {
    const [issue] = read.error.issues
    return `it is no ${ACTIVATED} entry: ${z.core.toDotPath(issue?.path ?? [])} ${issue?.message}`
  }
  const { created_at, details, ...entry } = read.data
  const created_at_us = parseMicroseconds(created_at)
  if (created_at_us === null) return 'its created_at is no moment'
  const stored = { ...entry, created_at_us, details: canonicalJson(details), erased_by: null }
  // Whether it continues the entry before it, the log is asked by those who verify it.
  const fault = entryFault(stored, { entry_hash: entry.prev_hash, created_at_us })
  if (fault) return `entry ${entry.id}: ${fault}`
  const known = ActivationDetails.safeParse(details)
  const isOwn = known.success && known.data.digest === entry.subject
  const { id, entry_hash } = entry
  return { id, entry_hash, created_at, details: isOwn ? known.data : null }
}

/** Why texts are not those of the set that they are said to be of; null if they are. */
export function filesFault({ digest, semantics, files }: ActivationDetails): string | null {
  if (semantics !== SEMANTICS)
    return `their semantics are ${semantics}, and ${SEMANTICS} are read here`
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return 'the files are no valid policies'
  return loaded.set.digest === digest ? null : `the files have the digest ${loaded.set.digest}`
}
