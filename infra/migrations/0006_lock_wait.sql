-- An append may wait twice, for the lock of the log and for its table, and its caller is to hear within 3 s.
CREATE OR REPLACE FUNCTION public.audit_lock() RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  -- Under a snapshot older than the lock the head would be an old one. The primary key would refuse
  -- the insert all the same; this says why.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the audit log is written under READ COMMITTED only'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  -- set_config(..., true) lasts until the end of the transaction. SET on the function would be undone
  -- before COMMIT, which is when synchronous_commit is read.
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', '1400ms', true);
  PERFORM pg_advisory_xact_lock(7402117835102841001);
END
$$;
COMMENT ON FUNCTION public.audit_lock IS
  'Takes the lock of the log until the end of the transaction; waits at most 1.4 s for it, and for any other lock';
