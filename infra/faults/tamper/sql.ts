import type { Victim } from './victim.ts'

/** Leaves of a stored subtree (docs/FORMATS.md, Merkle tree). */
export const SUBTREE = 256

/** A place in a log, for SQL and for what is expected of it. */
export interface Place {
  /** The entry at which something is done. */
  id: number
  /** Another ordinary entry, behind it where there is one. */
  other: number
  size: number
  /** The entry behind the largest checkpoint that is still right when everything from `id` on is another. */
  afterCheckpoint: number
  erased: number
  eraser: number
}

export function placeAt({ size, checkpoints, erased, eraser }: Victim, id: number): Place {
  const covered = Math.max(0, ...checkpoints.filter((at) => at < id))
  const other = id + 20 <= size ? id + 20 : id - 20
  return { id, other, size, afterCheckpoint: covered + 1, erased, eraser }
}

/** Recomputes all hashes and links from an entry on, as somebody does who knows the format. */
export function rehash(from: number): string {
  return `DO $$
    DECLARE
      prev  bytea := coalesce((SELECT entry_hash FROM audit_log WHERE id = ${from} - 1), audit_first_prev_hash());
      entry bigint;
    BEGIN
      FOR entry IN SELECT id FROM audit_log WHERE id >= ${from} ORDER BY id LOOP
        UPDATE audit_log SET prev_hash = prev, entry_hash = audit_entry_hash(prev, id, unix_microseconds(created_at),
            audit_event_hash(event_type, subject, decision, details_hash, actor, request_id))
         WHERE id = entry RETURNING entry_hash INTO prev;
      END LOOP;
    END $$;`
}

/** Makes the stored subtrees those of the entries that are there, from the one on that holds an entry. */
export function restoreSubtrees(from: number): string {
  return `DELETE FROM audit_subtrees WHERE index >= (${from} - 1) / 256;
    SELECT audit_store_subtrees(coalesce(max(id), 0)) FROM audit_log;`
}
