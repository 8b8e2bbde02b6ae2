import { randomBytes } from 'node:crypto'
import {
  type AuditEntry,
  type AuditEvent,
  detailsHash,
  entryHash,
  eventHash,
} from '@ai-governance/common/audit-entry'
import { isDataFault } from '@ai-governance/common/database'
import { GroupCommit } from '@ai-governance/common/group-commit'
import type { AppendedLink, AuditStore } from './audit-store.ts'

const MAX_BATCH = 512
const MAX_BATCH_BYTES = 1_048_576
/** Events that may wait while a batch commits: about a quarter of a second's worth of full batches. */
const MAX_WAITING = 4_096
const MAX_WAITING_BYTES = 64 * 1_048_576

/** Appends events to the log, many to a transaction, and checks what the database made of them. */
export class Appender {
  readonly #queue: GroupCommit<AuditEvent, AuditEntry>

  constructor(store: AuditStore) {
    this.#queue = new GroupCommit({
      commit: (events) => append(store, events),
      isItemFault: isDataFault,
      maxItems: MAX_BATCH,
      maxBytes: MAX_BATCH_BYTES,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: MAX_WAITING_BYTES,
    })
  }

  /** Resolves with the entry once it is committed. Errors: `overloaded` and those of `Database.write`. */
  append(event: AuditEvent): Promise<AuditEntry> {
    return this.#queue.submit(event, Buffer.byteLength(event.details) + event.subject.length + 200)
  }

  drained(): Promise<void> {
    return this.#queue.drained()
  }
}

async function append(store: AuditStore, events: AuditEvent[]): Promise<AuditEntry[]> {
  const random = randomBytes(16 * events.length).toString('hex')
  const salts = events.map((_, i) => random.slice(32 * i, 32 * i + 32))
  const links = await store.append(events, salts)
  return events.map((event, i) => checkedEntry(event, salts[i] as string, links[i]))
}

/**
 * The entry as this service computes it. The database computed the same hash on its own: where the two
 * differ, the entry must not be acknowledged.
 */
function checkedEntry(event: AuditEvent, salt: string, link: AppendedLink | undefined): AuditEntry {
  if (!link) throw new Error('audit_append answered with fewer rows than it was given events')
  const entry: AuditEntry = {
    ...event,
    ...link,
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
