import { join } from 'node:path'

/**
 * A build that is broken on purpose, at run time and in a database of its own: nothing of it is part of the
 * product. Drills that do not find it find nothing (I8).
 */
export interface BrokenBuild {
  name: string
  /** What is broken, in words. */
  what: string
  /** Run by a superuser before the services start. */
  sql?: string
  /** A module that exchanges a piece of the source of mcp-audit or of the gateway, loaded before it. */
  patch?: string
  /** What finds it. */
  foundBy: 'kills of mcp-audit' | 'kills of PostgreSQL' | 'replicas' | 'tamper' | 'the gate'
  /** What it violates, at least; of the tamper table every row that fails will do. */
  violates: 'I1' | 'I2' | 'I3' | 'I5' | 'I6' | 'a row'
}

const SETTINGS = `PERFORM set_config('lock_timeout', '2s', true);`

/** `audit_lock`, the one function that all writers call first, with another body. */
const lockThat = (body: string) =>
  `CREATE OR REPLACE FUNCTION public.audit_lock() RETURNS void
     LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
   AS $$ BEGIN ${body} END $$;`

export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'no-lock',
    what: 'writers do not take the lock of the log; the primary key refuses what would be a fork',
    sql: lockThat(SETTINGS),
    foundBy: 'replicas',
    violates: 'I6',
  },
  {
    name: 'no-lock-no-key',
    what: 'neither the lock, nor the primary key, nor the check of links',
    sql: `${lockThat(SETTINGS)}
      ALTER TABLE public.audit_log DROP CONSTRAINT audit_log_pkey CASCADE;
      CREATE INDEX audit_log_by_id ON public.audit_log (id);
      DROP TRIGGER audit_log_check_links ON public.audit_log;`,
    foundBy: 'replicas',
    violates: 'I2',
  },
  {
    name: 'keys-forgotten',
    what: 'no Idempotency-Key is stored',
    sql: `CREATE FUNCTION public.forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      GRANT EXECUTE ON FUNCTION public.forget TO PUBLIC;
      CREATE TRIGGER forget BEFORE INSERT ON public.audit_idempotency
        FOR EACH ROW EXECUTE FUNCTION public.forget();`,
    foundBy: 'replicas',
    violates: 'I3',
  },
  {
    name: 'answer-before-commit',
    what: 'mcp-audit answers before the transaction is committed',
    patch: join(import.meta.dirname, 'answer-before-commit.ts'),
    foundBy: 'kills of mcp-audit',
    violates: 'I1',
  },
  {
    name: 'decision-without-record',
    what: 'the gate answers what mcp-policy decided also where it could not be recorded',
    patch: join(import.meta.dirname, 'decision-without-record.ts'),
    foundBy: 'the gate',
    violates: 'I5',
  },
  {
    name: 'commit-without-flush',
    what: 'a commit does not wait until it is on disk',
    sql: lockThat(`${SETTINGS} PERFORM set_config('synchronous_commit', 'off', true);
      PERFORM pg_advisory_xact_lock(7402117835102841001);`),
    foundBy: 'kills of PostgreSQL',
    violates: 'I1',
  },
  {
    name: 'signer-without-state',
    what: 'the signer does not look at what it signed before',
    patch: join(import.meta.dirname, 'signer-without-state.ts'),
    foundBy: 'tamper',
    violates: 'a row',
  },
]
