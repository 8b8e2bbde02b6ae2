import { ApiError } from '@ai-governance/common/errors'
import type { JsonValue } from '@ai-governance/common/formats/canonical-json'
import { Limiter } from '@ai-governance/common/http/limiter'
import {
  type ActivationEntry,
  filesFault,
  RECORDED_BY,
  readActivationEntry,
} from './activation-entry.ts'
import {
  ACTIVATED,
  type ActivationDetails,
  activationKey,
  isSameActivation,
} from './activation-record.ts'
import { type AuditClient, NO_ANSWER } from './audit-client.ts'

/** A set that was active, and the entry that says so. */
export interface RecordedActivation extends ActivationEntry {
  details: ActivationDetails
}

/** Some 20 KiB each, as a rule. */
const KEPT_ENTRIES = 32
/** Each holds an answer of mcp-audit, of up to 16 MiB. */
const MAX_READS = 16

/** The activations in the audit log. What mcp-audit answers is believed as far as it proves itself. */
export class ActivationLog {
  readonly #client: AuditClient
  readonly #kept = new Map<string, RecordedActivation>()
  readonly #reading = new Map<string, Promise<RecordedActivation | null>>()
  readonly #reads = new Limiter(MAX_READS)

  constructor(client: AuditClient) {
    this.#client = client
  }

  /** The newest entry of this service; null if there is none. @throws ApiError as the client does */
  newest(signal?: AbortSignal): Promise<ActivationEntry | null> {
    return this.#read({}, signal)
  }

  /**
   * An entry of the set with this digest, read once however many ask; null if it never was active.
   *
   * @throws ApiError as the client does; `upstream_invalid` also where the files are not those of the digest;
   *   `overloaded`
   */
  async ofDigest(digest: string): Promise<RecordedActivation | null> {
    const kept = this.#kept.get(digest)
    if (kept) return kept
    const underWay = this.#reading.get(digest)
    if (underWay) return underWay
    const reading = this.#reads.run(() => this.#readDigest(digest))
    this.#reading.set(digest, reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(digest)
    }
  }

  /** Writes the entry. @param after the id of the newest entry, 0 if there is none. @throws ApiError */
  async append(details: ActivationDetails, after: number, signal?: AbortSignal): Promise<void> {
    const event = { event_type: ACTIVATED, subject: details.digest, decision: true, details }
    const answer = await this.#client.append(event, activationKey(details, after), signal)
    const entry = believed(answer)
    if (!entry.details || !isSameActivation(entry.details, details)) {
      throw unusable(`entry ${entry.id} is not what was sent`)
    }
  }

  async #readDigest(digest: string): Promise<RecordedActivation | null> {
    const entry = await this.#read({ subject: digest })
    if (!entry) return null
    const { details } = entry
    if (details?.digest !== digest) throw unusable(`entry ${entry.id} has an unknown form`)
    const fault = filesFault(details)
    if (fault) throw unusable(`entry ${entry.id}: ${fault}`)
    const recorded = { ...entry, details }
    this.#kept.set(digest, recorded)
    if (this.#kept.size > KEPT_ENTRIES) this.#kept.delete(this.#kept.keys().next().value as string)
    return recorded
  }

  async #read(filter: Record<string, string>, signal?: AbortSignal) {
    // Of an old log by this service alone: before event types were reserved, anybody could write this one.
    const query = { event_type: ACTIVATED, actor: RECORDED_BY, ...filter, limit: '1' }
    const answer = await this.#client.get(`/events?${new URLSearchParams(query)}`, signal)
    if (!Array.isArray(answer) || answer.length > 1) throw unusable('it gave no list of one entry')
    const [first] = answer
    return first === undefined ? null : believed(first)
  }
}

function believed(answer: JsonValue): ActivationEntry {
  const entry = readActivationEntry(answer)
  if (typeof entry === 'string') throw unusable(entry)
  return entry
}

function unusable(why: string): ApiError {
  const cause = new Error(`mcp-audit gave an answer that cannot be used: ${why}`)
  return new ApiError('upstream_invalid', NO_ANSWER, { cause })
}
