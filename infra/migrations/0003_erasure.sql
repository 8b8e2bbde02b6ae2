-- Erasure of details, legal holds and retention (docs/FORMATS.md, "Audit entry"). Whatever is erased or held
-- says so in an entry of its own, in the same transaction.
SET ROLE governance_tables;

CREATE TABLE public.audit_holds (
  id          bigint PRIMARY KEY CHECK (id > 0),
  subject     text   CHECK (char_length(subject) BETWEEN 1 AND 500),
  first_id    bigint CHECK (first_id > 0),
  last_id     bigint CHECK (last_id >= first_id),
  audit_id    bigint NOT NULL UNIQUE REFERENCES public.audit_log (id),
  released_by bigint UNIQUE REFERENCES public.audit_log (id) CHECK (released_by > audit_id),
  CONSTRAINT audit_holds_subject_or_range CHECK (
    (subject IS NULL) = (first_id IS NOT NULL) AND (first_id IS NULL) = (last_id IS NULL)
  )
);
CREATE INDEX audit_holds_in_force ON public.audit_holds (id) WHERE released_by IS NULL;
COMMENT ON TABLE public.audit_holds IS
  'Legal holds: no details are erased of entries about this subject, also future ones, or in this range';
COMMENT ON COLUMN public.audit_holds.audit_id IS 'The entry audit.hold_placed; its details hold the reason';
COMMENT ON COLUMN public.audit_holds.released_by IS 'The entry audit.hold_released, NULL while the hold is in force';

-- A hold changes once: it is released.
CREATE FUNCTION public.is_release(before public.audit_holds, after public.audit_holds) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN before.released_by IS NULL AND after.released_by IS NOT NULL
     AND (after.id, after.subject, after.first_id, after.last_id, after.audit_id)
         IS NOT DISTINCT FROM (before.id, before.subject, before.first_id, before.last_id, before.audit_id);
COMMENT ON FUNCTION public.is_release IS 'Whether a change of a hold is nothing but its release';

CREATE TRIGGER audit_holds_no_update BEFORE UPDATE ON public.audit_holds
  FOR EACH ROW WHEN (NOT public.is_release(OLD, NEW)) EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_holds_no_delete BEFORE DELETE ON public.audit_holds
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_holds_no_truncate BEFORE TRUNCATE ON public.audit_holds
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

-- Which entries an erasure took: to count them when the log is verified.
CREATE INDEX audit_log_erased ON public.audit_log (erased_by) WHERE erased_by IS NOT NULL;

CREATE FUNCTION public.audit_is_held(entry_id bigint, entry_subject text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN EXISTS (SELECT FROM public.audit_holds AS h
                  WHERE h.released_by IS NULL
                    AND (h.subject = entry_subject OR entry_id BETWEEN h.first_id AND h.last_id));
COMMENT ON FUNCTION public.audit_is_held IS 'Whether a hold in force covers the entry';

CREATE FUNCTION public.audit_is_reserved(event_type text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN event_type LIKE ANY (ARRAY['lineage.%', 'policy.%', 'audit.%']);
COMMENT ON FUNCTION public.audit_is_reserved IS
  'Whether entries of this type attest what the control plane did, and are never erased';

-- One entry about a change of the log itself. Granted to no service.
CREATE FUNCTION public.audit_attest(
  event_type text, subject text, details text, salt bytea, actor text, request_id text
) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
  SELECT a.id FROM public.audit_append_unchecked(ARRAY[event_type], ARRAY[subject], ARRAY[true], ARRAY[details],
                                                 ARRAY[salt], ARRAY[actor], ARRAY[request_id]) AS a;
END;
COMMENT ON FUNCTION public.audit_attest IS 'Appends the entry that attests a change; for the functions of this schema only';

CREATE FUNCTION public.audit_erase_details(
  entry_id bigint, reason text, legal_basis text, salt bytea, actor text, request_id text
) RETURNS TABLE (count bigint, audit_id bigint)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  entry record;
BEGIN
  PERFORM public.audit_lock();
  SELECT a.event_type, a.subject, a.erased_by INTO entry FROM public.audit_log AS a WHERE a.id = entry_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log has no entry %', entry_id USING ERRCODE = 'AG002';
  END IF;
  IF public.audit_is_reserved(entry.event_type) THEN
    RAISE EXCEPTION 'entry % attests what the control plane did', entry_id USING ERRCODE = 'AG003';
  END IF;
  IF public.audit_is_held(entry_id, entry.subject) THEN
    RAISE EXCEPTION 'entry % is under a legal hold', entry_id USING ERRCODE = 'AG004';
  END IF;
  count := CASE WHEN entry.erased_by IS NULL THEN 1 ELSE 0 END;
  audit_id := public.audit_attest('audit.details_erased', 'entry@' || entry_id,
    '{"count":' || count || ',"first_id":' || entry_id || ',"last_id":' || entry_id
      || ',"legal_basis":' || to_json(legal_basis)::text || ',"reason":' || to_json(reason)::text || '}',
    salt, actor, request_id);
  UPDATE public.audit_log AS a SET details = NULL, details_salt = NULL, erased_by = audit_erase_details.audit_id
   WHERE a.id = entry_id AND a.erased_by IS NULL;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION public.audit_erase_details IS
  'Erases the details of one entry and says so in another. AG002: no such entry; AG003: never erased; AG004: held';

-- Entries are in the order of their time, so a moment is found by halving: no index on created_at is needed.
CREATE FUNCTION public.audit_last_id_before(moment timestamptz) RETURNS bigint
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  low  bigint := 0;
  high bigint := (SELECT coalesce(max(a.id), 0) FROM public.audit_log AS a);
  mid  bigint;
BEGIN
  WHILE low < high LOOP
    mid := (low + high + 1) / 2;
    IF (SELECT a.created_at < moment FROM public.audit_log AS a WHERE a.id = mid) THEN low := mid;
    ELSE high := mid - 1;
    END IF;
  END LOOP;
  RETURN low;
END
$$;
COMMENT ON FUNCTION public.audit_last_id_before IS 'The last entry older than a moment, 0 if none is';

CREATE FUNCTION public.audit_retain(
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
  -- Before the lock, because it may read much: no entry of this age can be added meanwhile.
  candidates := ARRAY(
    SELECT a.id FROM public.audit_log AS a
     WHERE a.id <= end_id AND a.erased_by IS NULL AND (only_type IS NULL OR a.event_type = only_type)
       AND NOT public.audit_is_reserved(a.event_type) AND NOT public.audit_is_held(a.id, a.subject)
     ORDER BY a.id LIMIT most + 1);
  more := cardinality(candidates) > most;
  candidates := candidates[1:most];
  PERFORM public.audit_lock();
  -- Again, now that no hold can be placed and nothing else be erased.
  ids := ARRAY(
    SELECT a.id FROM public.audit_log AS a
     WHERE a.id = ANY (candidates) AND a.erased_by IS NULL AND NOT public.audit_is_held(a.id, a.subject)
     ORDER BY a.id);
  count := cardinality(ids);
  SELECT count(*) INTO skipped_held FROM public.audit_log AS a
   WHERE a.id <= CASE WHEN more THEN ids[cardinality(ids)] ELSE end_id END
     AND EXISTS (SELECT FROM public.audit_holds AS h WHERE h.released_by IS NULL)
     AND a.erased_by IS NULL AND (only_type IS NULL OR a.event_type = only_type)
     AND NOT public.audit_is_reserved(a.event_type) AND public.audit_is_held(a.id, a.subject);
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
COMMENT ON FUNCTION public.audit_retain IS
  'Erases the details of up to `most` entries older than a moment, in one run with one entry; AG002: the log is empty';

CREATE FUNCTION public.audit_hold(
  hold_subject text, hold_first_id bigint, hold_last_id bigint, reason text, salt bytea, actor text, request_id text
) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  hold_id  bigint;
  entry_id bigint;
BEGIN
  PERFORM public.audit_lock();
  SELECT coalesce(max(h.id), 0) + 1 INTO hold_id FROM public.audit_holds AS h;
  entry_id := public.audit_attest('audit.hold_placed', 'hold@' || hold_id,
    '{"first_id":' || coalesce(hold_first_id::text, 'null') || ',"hold_id":' || hold_id
      || ',"last_id":' || coalesce(hold_last_id::text, 'null') || ',"reason":' || to_json(reason)::text
      || ',"subject":' || coalesce(to_json(hold_subject)::text, 'null') || '}',
    salt, actor, request_id);
  INSERT INTO public.audit_holds (id, subject, first_id, last_id, audit_id)
  VALUES (hold_id, hold_subject, hold_first_id, hold_last_id, entry_id);
  RETURN hold_id;
END
$$;
COMMENT ON FUNCTION public.audit_hold IS
  'Places a legal hold on a subject or on a range of entries, and says so in an entry; returns its id';

CREATE FUNCTION public.audit_release(hold_id bigint, reason text, salt bytea, actor text, request_id text)
  RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  released bigint;
  entry_id bigint;
BEGIN
  PERFORM public.audit_lock();
  SELECT h.released_by INTO released FROM public.audit_holds AS h WHERE h.id = hold_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no hold %', hold_id USING ERRCODE = 'AG002';
  END IF;
  IF released IS NOT NULL THEN
    RAISE EXCEPTION 'hold % is released already', hold_id USING ERRCODE = 'AG005';
  END IF;
  entry_id := public.audit_attest('audit.hold_released', 'hold@' || hold_id,
    '{"hold_id":' || hold_id || ',"reason":' || to_json(reason)::text || '}', salt, actor, request_id);
  UPDATE public.audit_holds AS h SET released_by = entry_id WHERE h.id = hold_id;
  RETURN entry_id;
END
$$;
COMMENT ON FUNCTION public.audit_release IS
  'Releases a hold and says so in an entry; AG002: no such hold; AG005: released already';

RESET ROLE;

GRANT SELECT ON public.audit_holds TO audit_service;
GRANT EXECUTE ON FUNCTION public.audit_last_id_before, public.audit_erase_details, public.audit_retain, public.audit_hold, public.audit_release
  TO audit_service;
