import { asOwner } from '../server.ts'

/** A decision as it is on the log, read past every service. */
export interface Recorded {
  id: number
  entryHash: string
  decision: boolean
  /** What its details say: they are hashed with it. */
  allowed: boolean
  decisionId: string
  /** From the payload. */
  name: string
}

/** Every decision of the gate on the log, by its id. */
export function readDecisions(ownerUrl: string): Promise<Map<number, Recorded>> {
  return asOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<Recorded & { id: string }>(
      `SELECT id, encode(entry_hash, 'hex') AS "entryHash", decision,
              (details::json -> 'decision' ->> 'allowed')::boolean AS allowed,
              details::json -> 'decision' ->> 'decision_id' AS "decisionId",
              details::json -> 'payload' ->> 'name' AS name
         FROM audit_log WHERE event_type = 'gate.decided'`,
    )
    return new Map(rows.map((row) => [Number(row.id), { ...row, id: Number(row.id) }]))
  })
}
