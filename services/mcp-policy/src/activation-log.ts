import { idNumber, sha256Text, wireTime } from '@ai-governance/common/answers'
import { ApiError } from '@ai-governance/common/errors'
import { z } from 'zod'
import { ACTIVATED, ActivationDetails, activationKey } from './activation-record.ts'
import type { AuditClient } from './audit-client.ts'

const Entry = z.object({
  id: idNumber,
  entry_hash: sha256Text,
  created_at: wireTime,
  details: ActivationDetails,
})
/** An entry of the log that says what became active. */
export type ActivationEntry = z.infer<typeof Entry>

/** Some 20 KiB each, as a rule. */
const KEPT_ENTRIES = 32

/** The activations in the audit log. */
export class ActivationLog {
  readonly #client: AuditClient
  readonly #kept = new Map<string, ActivationEntry>()

  constructor(client: AuditClient) {
    this.#client = client
  }

  /** The newest entry of this service; null if there is none. @throws ApiError as the client does */
  newest(signal?: AbortSignal): Promise<ActivationEntry | null> {
    return this.#read({}, signal)
  }

  /** An entry of the set with this digest, read once; null if it never was active. @throws ApiError */
  async ofDigest(digest: string): Promise<ActivationEntry | null> {
    const kept = this.#kept.get(digest)
    if (kept) return kept
    const entry = await this.#read({ subject: digest })
    if (!entry) return null
    this.#kept.set(digest, entry)
    if (this.#kept.size > KEPT_ENTRIES) this.#kept.delete(this.#kept.keys().next().value as string)
    return entry
  }

  /** Writes the entry. @param after the id of the newest entry, 0 if there is none. @throws ApiError */
  async append(details: ActivationDetails, after: number, signal?: AbortSignal): Promise<void> {
    const event = { event_type: ACTIVATED, subject: details.digest, decision: true, details }
    await this.#client.append(event, activationKey(details, after), signal)
  }

  async #read(filter: Record<string, string>, signal?: AbortSignal) {
    // Of an old log by this service alone: before event types were reserved, anybody could write this one.
    const query = { event_type: ACTIVATED, actor: 'service:mcp-policy', ...filter, limit: '1' }
    const answer = await this.#client.get(`/events?${new URLSearchParams(query)}`, signal)
    const read = z.array(Entry).max(1).safeParse(answer)
    if (!read.success) {
      const help = 'the newest policy.activated entry has a form that this version does not know'
      throw new ApiError('upstream_invalid', help, { cause: read.error })
    }
    return read.data[0] ?? null
  }
}
