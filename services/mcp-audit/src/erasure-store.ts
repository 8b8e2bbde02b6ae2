import { randomBytes } from 'node:crypto'
import { type Database, sqlState } from '@ai-governance/common/database/database'
import { ApiError, type ErrorCode } from '@ai-governance/common/errors'

/** On whose behalf a change is made: the actor and request of its entry. */
export interface Caller {
  actor: string
  requestId: string
}

/** A legal hold. `created_at_us` is the time of its entry, `released_at_us` that of its release or null. */
export interface Hold {
  id: number
  subject: string | null
  first_id: number | null
  last_id: number | null
  reason: string
  audit_id: number
  created_at_us: number
  released_by: number | null
  released_at_us: number | null
}

/** Entries whose details one run of retention erases at most: the log waits meanwhile, 0.3 s of it measured. */
const RETENTION_RUN = 20_000

/** What the functions say by their own SQLSTATEs (infra/migrations/0003_erasure.sql). */
const REFUSALS: Record<string, ErrorCode> = {
  AG002: 'not_found',
  AG003: 'never_erased',
  AG004: 'legal_hold',
  AG005: 'already_released',
}

/** The SQL statements about erasure, holds and retention. */
export class ErasureStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Erases the details of an entry. Errors: `not_found`, `never_erased`, `legal_hold`. */
  async erase(
    id: number,
    { reason, legal_basis }: { reason: string; legal_basis: string },
    caller: Caller,
  ): Promise<{ count: number; auditId: number }> {
    const row = await this.#change<{ count: string; audit_id: string }>({
      text: `SELECT count, audit_id FROM audit_erase_details($1, $2, $3, $4, $5, $6)`,
      values: [id, reason, legal_basis, salt(), caller.actor, caller.requestId],
    })
    return { count: Number(row.count), auditId: Number(row.audit_id) }
  }

  /** Erases the details of entries older than `before` (µs), up to 20,000 of them. Errors: `not_found`. */
  async retain(
    run: { before: number; event_type?: string | undefined; reason: string; legal_basis: string },
    caller: Caller,
  ): Promise<{ count: number; skippedHeld: number; more: boolean; auditId: number }> {
    const row = await this.#change<{
      count: string
      skipped_held: string
      more: boolean
      audit_id: string
    }>({
      text: `SELECT count, skipped_held, more, audit_id FROM audit_retain($1, $2, $3, $4, $5, $6, $7, $8)`,
      values: [
        run.before,
        run.event_type ?? null,
        RETENTION_RUN,
        run.reason,
        run.legal_basis,
        salt(),
        caller.actor,
        caller.requestId,
      ],
    })
    return {
      count: Number(row.count),
      skippedHeld: Number(row.skipped_held),
      more: row.more,
      auditId: Number(row.audit_id),
    }
  }

  /** Places a hold on a subject or on a range of entries; returns its id. */
  async hold(
    on: { subject: string } | { first_id: number; last_id: number },
    reason: string,
    caller: Caller,
  ): Promise<number> {
    const range = 'subject' in on ? [on.subject, null, null] : [null, on.first_id, on.last_id]
    const row = await this.#change<{ id: string }>({
      text: 'SELECT audit_hold($1, $2, $3, $4, $5, $6, $7) AS id',
      values: [...range, reason, salt(), caller.actor, caller.requestId],
    })
    return Number(row.id)
  }

  /** Releases a hold. Errors: `not_found`, `already_released`. */
  async release(id: number, reason: string, caller: Caller): Promise<void> {
    await this.#change({
      text: 'SELECT audit_release($1, $2, $3, $4, $5)',
      values: [id, reason, salt(), caller.actor, caller.requestId],
    })
  }

  /** Holds, newest first, those below `before` where it is given. */
  async holds(page: { limit: number; before?: number | undefined }): Promise<Hold[]> {
    return this.#holds('WHERE $2::bigint IS NULL OR h.id < $2', page.limit, page.before ?? null)
  }

  async heldAs(id: number): Promise<Hold> {
    const [hold] = await this.#holds('WHERE h.id = $2', 1, id)
    if (!hold) throw new ApiError('not_found', 'there is no hold of this id')
    return hold
  }

  async #holds(where: string, limit: number, id: number | null): Promise<Hold[]> {
    const rows = await this.#database.read<Record<keyof Hold, string | null>>({
      text: `SELECT h.id, h.subject, h.first_id, h.last_id, placed.details::json ->> 'reason' AS reason, h.audit_id,
                    unix_microseconds(placed.created_at) AS created_at_us, h.released_by,
                    unix_microseconds(released.created_at) AS released_at_us
               FROM audit_holds AS h
               JOIN audit_log AS placed ON placed.id = h.audit_id
               LEFT JOIN audit_log AS released ON released.id = h.released_by
              ${where} ORDER BY h.id DESC LIMIT $1`,
      values: [limit, id],
    })
    const number = (text: string | null) => (text === null ? null : Number(text))
    return rows.map((row) => ({
      id: Number(row.id),
      subject: row.subject,
      first_id: number(row.first_id),
      last_id: number(row.last_id),
      reason: row.reason ?? '',
      audit_id: Number(row.audit_id),
      created_at_us: Number(row.created_at_us),
      released_by: number(row.released_by),
      released_at_us: number(row.released_at_us),
    }))
  }

  async #change<Row extends Record<string, unknown>>(query: {
    text: string
    values: unknown[]
  }): Promise<Row> {
    const rows = await this.#database.write<Row>(query).catch((error: unknown) => {
      const code = REFUSALS[sqlState(error) ?? '']
      throw code ? new ApiError(code) : error
    })
    return rows[0] as Row
  }
}

function salt(): Buffer {
  return randomBytes(16)
}
