import { randomBytes } from 'node:crypto'
import { LogQueue } from '@ai-governance/common/database/log-queue'
import { ApiError } from '@ai-governance/common/errors'
import {
  type AuditEntry,
  type AuditEvent,
  detailsHash,
  entryHash,
  eventHash,
} from '@ai-governance/common/formats/audit-entry'
import { Limiter } from '@ai-governance/common/http/limiter'
import type { AppendedLink, AuditStore, KeyedEvent } from './audit-store.ts'
import { isSameQuestion, questionOf } from './gate-decision.ts'
import { readBack } from './read-back.ts'

/** Batches of callers at once: each may hold the log's lock for half a second, and 16 MiB. */
const MAX_CALLERS_BATCHES = 2
/** Entries read back at once for the answer to a repeated batch. */
const REPLAY_PAGE = { limit: 10_000, maxBytes: 64 * 1_048_576 }

/** Who hears what an appender does; see `LogQueueOptions`. */
export interface AppenderEvents {
  onBatch: (items: number, seconds: number) => void
}

/** What became of one event. */
export interface Appended {
  entry: AuditEntry
  /** True where the event had been appended before, under the same key. */
  replayed: boolean
}

/**
 * Appends events to the log and checks what the database made of them. Errors besides those of
 * `Database.write`: `overloaded`, and `idempotency_conflict` where a key was used for something else.
 */
export class Appender {
  readonly #store: AuditStore
  readonly #queue: LogQueue<KeyedEvent, Outcome>
  readonly #batches = new Limiter(MAX_CALLERS_BATCHES)

  constructor(store: AuditStore, { onBatch }: AppenderEvents) {
    this.#store = store
    this.#queue = new LogQueue({ commit: (events) => append(store, events), onBatch })
  }

  /** Resolves once the entry is committed. Many callers share a transaction. */
  async append(event: KeyedEvent): Promise<Appended> {
    const weight = Buffer.byteLength(event.details) + event.subject.length + 200
    const { salt, link } = await this.#queue.submit(event, weight)
    if (!link || link.outcome === 'appended') {
      const { key, ...content } = event
      // Checked for each caller and not for the whole batch: a hash that differs fails one answer.
      return { entry: checkedEntry(content, salt, link), replayed: false }
    }
    const entry = await readBack(this.#store.entry(link.id))
    if (!entry) throw new Error(`entry ${link.id} of a known key is not in the log`)
    // A decision is made anew each time it is asked for: what counts is that it was asked for the same.
    if (!isSameQuestion(questionOf(entry), questionOf(event))) knownId(link)
    return { entry, replayed: true }
  }

  /** Appends the events of one request, all or none, in one transaction. */
  appendBatch(
    events: readonly AuditEvent[],
    key: string | null,
  ): Promise<{ entries: AuditEntry[]; replayed: boolean }> {
    return this.#batches.run(async () => {
      const salts = randomSalts(events.length)
      const links = await this.#store.appendBatch(events, salts, key)
      const [first] = links
      if (!first) throw new Error('audit_append_batch answered without a row')
      if (first.outcome === 'appended') {
        const entries = events.map((event, i) => checkedEntry(event, salts[i] as string, links[i]))
        return { entries, replayed: false }
      }
      const entries: AuditEntry[] = []
      for (let next = knownId(first); entries.length < links.length; ) {
        const rest = this.#store.oldest(next, first.id + links.length - 1, REPLAY_PAGE)
        const page = await readBack(rest)
        if (page.length === 0) throw new Error(`entry ${next} of a known key is not in the log`)
        for (const entry of page) entries.push(entry)
        next += page.length
      }
      return { entries, replayed: true }
    })
  }

  /** Events that wait for a batch. */
  get waiting(): number {
    return this.#queue.waiting
  }

  drained(): Promise<void> {
    return this.#queue.drained()
  }
}

/** What the database made of an event, with the salt (hex) that it was given. */
interface Outcome {
  salt: string
  link: AppendedLink | undefined
}

async function append(store: AuditStore, events: KeyedEvent[]): Promise<Outcome[]> {
  const salts = randomSalts(events.length)
  const links = await store.append(events, salts)
  return salts.map((salt, i) => ({ salt, link: links[i] }))
}

function randomSalts(count: number): string[] {
  const random = randomBytes(16 * count).toString('hex')
  return Array.from({ length: count }, (_, i) => random.slice(32 * i, 32 * i + 32))
}

/** The id of what was appended before under the same key. Throws `idempotency_conflict` if it is something else. */
function knownId({ id, outcome }: AppendedLink): number {
  if (outcome === 'conflict') {
    throw new ApiError('idempotency_conflict', `This Idempotency-Key was used for entry ${id}.`)
  }
  return id
}

/**
 * The entry as this service computes it. The database computed the same hash on its own: where the two
 * differ, the entry must not be acknowledged.
 */
function checkedEntry(event: AuditEvent, salt: string, link: AppendedLink | undefined): AuditEntry {
  if (!link)
    throw new Error('the append function answered with fewer rows than it was given events')
  const { outcome, ...position } = link
  const entry: AuditEntry = {
    ...event,
    ...position,
    details_salt: salt,
    details_hash: detailsHash(salt, event.details),
    erased_by: null,
  }
  if (
    entryHash(link.prev_hash, link.id, link.created_at_us, eventHash(entry)) !== link.entry_hash
  ) {
    throw new Error(`the database computed another hash for entry ${link.id}`)
  }
  return entry
}
