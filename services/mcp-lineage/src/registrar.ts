import { LogQueue, type LogQueueOptions } from '@ai-governance/common/database/log-queue'
import { ApiError } from '@ai-governance/common/errors'
import {
  type AuditEvent,
  detailsHash,
  entryHash,
  eventHash,
} from '@ai-governance/common/formats/audit-entry'
import type { LineageStore, RegisteredRow } from './lineage-store.ts'
import {
  type LineageRecord,
  type Registration,
  recordHash,
  registeredDetails,
  type StoredRegistration,
  storedForm,
} from './record.ts'

/** Who registers. */
export interface RegistrationCaller {
  actor: string
  requestId: string
  /** The Idempotency-Key of the request. */
  key: string | null
}

/** Registers model versions, many callers in one transaction, and checks what the database made of them. */
export class Registrar {
  readonly #queue: LogQueue<StoredRegistration, RegisteredRow>

  constructor(
    store: LineageStore,
    { onBatch }: Pick<LogQueueOptions<StoredRegistration, RegisteredRow>, 'onBatch'>,
  ) {
    this.#queue = new LogQueue({ commit: (batch) => store.register(batch), onBatch })
  }

  /**
   * Resolves once the revision and its log entry are committed, once for each Idempotency-Key: `replayed` tells that it
   * was registered before under this key. Throws `artifacts_conflict` where the version is known with other artifacts,
   * `idempotency_conflict` where the key was used for another registration, `overloaded`, and what `Database.write`
   * throws.
   */
  async register(
    registration: Registration,
    { actor, requestId, key }: RegistrationCaller,
  ): Promise<{ record: LineageRecord; replayed: boolean }> {
    const stored = { ...storedForm(registration), actor, request_id: requestId, key }
    const row = await this.#queue.submit(stored, weightOf(stored))
    if (row.outcome === 'artifacts_conflict') throw new ApiError('artifacts_conflict')
    if (row.outcome === 'key_conflict') {
      throw new ApiError(
        'idempotency_conflict',
        `This Idempotency-Key was used for the registration that entry ${row.audit_id} attests.`,
      )
    }
    return { record: checkedRecord(stored, row), replayed: row.outcome === 'replayed' }
  }

  /** Registrations that wait for a batch. */
  get waiting(): number {
    return this.#queue.waiting
  }

  drained(): Promise<void> {
    return this.#queue.drained()
  }
}

function weightOf(stored: StoredRegistration): number {
  const { metadata, parents, aibom, artifacts } = stored
  const texts = Buffer.byteLength(metadata) + Buffer.byteLength(parents)
  const lists = artifacts.reduce((sum, artifact) => sum + artifact.length, 0)
  return texts + lists + (aibom === null ? 0 : Buffer.byteLength(aibom)) + 700
}

/**
 * The record as this service computes it. The database computed the same hashes on its own: where the two differ, the
 * record must not be acknowledged.
 */
function checkedRecord(stored: StoredRegistration, row: RegisteredRow): LineageRecord {
  const { salt, actor, request_id, key: _, ...content } = stored
  const { outcome, audit_prev_hash, ...position } = row
  const record = { ...content, ...position }
  if (recordHash(stored) !== row.record_hash) {
    throw new Error(`the database computed another hash for record ${row.id}`)
  }
  // What was registered before has a salt of its own. GET /verify recomputes its entry.
  if (outcome === 'replayed') return record
  const details = registeredDetails(record)
  const event: Omit<AuditEvent, 'details'> & { details_hash: string } = {
    event_type: 'lineage.registered',
    subject: `${record.model_id}@${record.version}`,
    decision: true,
    details_hash: detailsHash(salt, details),
    actor,
    request_id,
  }
  const link = entryHash(audit_prev_hash ?? '', row.audit_id, row.created_at_us, eventHash(event))
  if (link !== row.audit_entry_hash) {
    throw new Error(`the database computed another hash for entry ${row.audit_id}`)
  }
  return record
}
