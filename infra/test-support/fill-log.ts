import type { Client } from 'pg'

/**
 * Appends ordinary entries in SQL, many to a transaction, until the log has `size` of them; some 10 µs each.
 *
 * @param owner a connection of the database's owner
 * @param padding characters of text in the details of each
 */
export async function fillLog(owner: Client, size: number, padding = 0): Promise<void> {
  await owner.query(
    `DO $$
     DECLARE
       missing bigint;
     BEGIN
       LOOP
         missing := least(${size} - (SELECT coalesce(max(id), 0) FROM audit_log), 512);
         EXIT WHEN missing <= 0;
         PERFORM audit_append(array_agg('model.deployed'::text), array_agg('model@' || i), array_agg(true),
           array_agg('{"environment":"production","n":' || i || ',"note":"' || repeat('x', ${padding}) || '"}'),
           array_agg(substr(sha256(int8send(i)), 1, 16)), array_agg('anonymous'::text),
           array_agg('r-' || i), array_agg(NULL::text))
           FROM generate_series(1, missing) AS i;
         COMMIT;
       END LOOP;
     END $$`,
  )
}
