-- Retention beside holds of many entries: what is held was asked for each row by a function, some of it under the lock.
SET ROLE governance_tables;

CREATE OR REPLACE FUNCTION public.audit_retain(
  before_us bigint, only_type text, most int, reason text, legal_basis text, salt bytea, actor text,
  request_id text
) RETURNS TABLE (count bigint, skipped_held bigint, more boolean, audit_id bigint)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  before_at  constant timestamptz := to_timestamp(0) + before_us * interval '1 microsecond';
  end_id     constant bigint := public.audit_last_id_before(before_at);
  candidates bigint[];
  ids        bigint[];
BEGIN
  -- An erasure names a range before itself, also where it took nothing of it.
  IF NOT EXISTS (SELECT FROM public.audit_log) THEN
    RAISE EXCEPTION 'the log has no entry' USING ERRCODE = 'AG002';
  END IF;
  -- Before the lock, because it may read much: no entry of this age can be added meanwhile. In one statement, so that an
  -- entry is either a candidate or held. The conditions of audit_is_held stand here themselves: the planner can then
  -- read the holds once, and need not call a function for each row.
  WITH free AS MATERIALIZED (
    SELECT a.id FROM public.audit_log AS a
     WHERE a.id <= end_id AND a.erased_by IS NULL AND (only_type IS NULL OR a.event_type = only_type)
       AND NOT public.audit_is_reserved(a.event_type)
       AND NOT EXISTS (SELECT FROM public.audit_holds AS h WHERE h.released_by IS NULL AND h.subject = a.subject)
       AND NOT EXISTS (SELECT FROM public.audit_holds AS h
                        WHERE h.released_by IS NULL AND h.first_id <= a.id AND h.last_id >= a.id)
     ORDER BY a.id LIMIT most + 1
  ), reached AS MATERIALIZED (
    -- As far as this run comes: to the last that it takes where more are left, else to the end.
    SELECT CASE WHEN count(*) > most THEN (array_agg(f.id ORDER BY f.id))[most] ELSE end_id END AS id FROM free AS f
  )
  SELECT ARRAY(SELECT f.id FROM free AS f ORDER BY f.id),
         (SELECT count(*) FROM public.audit_log AS a
           WHERE a.id <= (SELECT r.id FROM reached AS r)
             AND EXISTS (SELECT FROM public.audit_holds AS h WHERE h.released_by IS NULL)
             AND a.erased_by IS NULL AND (only_type IS NULL OR a.event_type = only_type)
             AND NOT public.audit_is_reserved(a.event_type)
             AND (EXISTS (SELECT FROM public.audit_holds AS h WHERE h.released_by IS NULL AND h.subject = a.subject)
               OR EXISTS (SELECT FROM public.audit_holds AS h
                           WHERE h.released_by IS NULL AND h.first_id <= a.id AND h.last_id >= a.id)))
    INTO candidates, skipped_held;
  more := cardinality(candidates) > most;
  candidates := candidates[1:most];
  PERFORM public.audit_lock();
  -- Again, now that no hold can be placed and nothing else be erased.
  ids := ARRAY(
    SELECT a.id FROM public.audit_log AS a
     WHERE a.id = ANY (candidates) AND a.erased_by IS NULL AND NOT public.audit_is_held(a.id, a.subject)
     ORDER BY a.id);
  count := cardinality(ids);
  -- With those that came under a hold meanwhile.
  skipped_held := skipped_held + (
    SELECT count(*) FROM public.audit_log AS a WHERE a.id = ANY (candidates) AND a.erased_by IS NULL) - count;
  audit_id := public.audit_attest('audit.details_erased', 'retention',
    '{"before":' || to_json(to_char(before_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
      || ',"count":' || count
      || ',"event_type":' || coalesce(to_json(only_type)::text, 'null')
      || ',"first_id":' || coalesce(ids[1], 1) || ',"last_id":' || coalesce(ids[cardinality(ids)], greatest(end_id, 1))
      || ',"legal_basis":' || to_json(legal_basis)::text || ',"reason":' || to_json(reason)::text
      || ',"skipped_held":' || skipped_held || '}',
    salt, actor, request_id);
  UPDATE public.audit_log AS a SET details = NULL, details_salt = NULL, erased_by = audit_retain.audit_id
   WHERE a.id = ANY (ids);
  RETURN NEXT;
END
$$;

RESET ROLE;
