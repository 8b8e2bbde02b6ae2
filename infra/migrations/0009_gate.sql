-- Decisions of the gate have keys of their own, beside those of POST /log: a caller who uses one key for both means
-- two things.
SET ROLE governance_tables;

ALTER TABLE public.audit_idempotency
  DROP CONSTRAINT audit_idempotency_operation_check,
  ADD CONSTRAINT audit_idempotency_operation_check
    CHECK (operation IN ('log', 'log_batch', 'register', 'gate'));

CREATE FUNCTION public.audit_operation(event_type text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN event_type = 'gate.decided' THEN 'gate' ELSE 'log' END;
COMMENT ON FUNCTION public.audit_operation IS
  'The operation under which the key of an appended event is kept';

CREATE OR REPLACE FUNCTION public.audit_append(
  event_types text[], subjects text[], decisions boolean[], details_texts text[], salts bytea[],
  actors text[], request_ids text[], keys text[]
) RETURNS TABLE (id bigint, created_at_us bigint, prev_hash bytea, entry_hash bytea, outcome text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  fresh record;
BEGIN
  IF (cardinality(event_types) = ALL (ARRAY[cardinality(subjects), cardinality(decisions),
        cardinality(details_texts), cardinality(salts), cardinality(actors), cardinality(request_ids),
        cardinality(keys)]))
     IS NOT TRUE THEN
    RAISE EXCEPTION 'the arrays of a batch must have the same length'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM public.audit_refuse_reserved(event_types);
  IF cardinality(array_remove(keys, NULL)) = 0 THEN
    RETURN QUERY SELECT a.id, a.created_at_us, a.prev_hash, a.entry_hash, 'appended'
      FROM public.audit_append_unchecked(
        event_types, subjects, decisions, details_texts, salts, actors, request_ids) AS a;
    RETURN;
  END IF;

  PERFORM public.audit_lock();
  SELECT array_agg(u.nth) AS nths, array_agg(u.event_type) AS event_types, array_agg(u.subject) AS subjects,
         array_agg(u.decision) AS decisions, array_agg(u.details) AS details_texts,
         array_agg(u.salt) AS salts, array_agg(u.actor) AS actors, array_agg(u.request_id) AS request_ids,
         array_agg(u.key) AS keys
    INTO fresh
    FROM (SELECT u.*
            FROM unnest(event_types, subjects, decisions, details_texts, salts, actors, request_ids, keys)
                 WITH ORDINALITY
              AS u (event_type, subject, decision, details, salt, actor, request_id, key, nth)
           WHERE NOT EXISTS (SELECT FROM public.audit_idempotency AS i
                              WHERE i.key = u.key AND i.operation = public.audit_operation(u.event_type)
                                AND i.actor = coalesce(u.actor, ''))
           ORDER BY u.nth) AS u;

  -- Two of one batch under the same key violate the primary key here: the batch fails as a whole, and its
  -- caller appends one by one.
  RETURN QUERY
    WITH appended AS MATERIALIZED (
      SELECT f.nth, f.key, f.actor, f.event_type, a.*
        FROM ROWS FROM (public.audit_append_unchecked(
               fresh.event_types, fresh.subjects, fresh.decisions, fresh.details_texts, fresh.salts,
               fresh.actors, fresh.request_ids)) WITH ORDINALITY
               AS a (id, created_at_us, prev_hash, entry_hash, position)
        JOIN unnest(fresh.nths, fresh.keys, fresh.actors, fresh.event_types) WITH ORDINALITY
               AS f (nth, key, actor, event_type, position)
       USING (position)
       WHERE fresh.nths IS NOT NULL
    ), stored AS (
      INSERT INTO public.audit_idempotency (key, operation, actor, first_id, count, created_at)
      SELECT a.key, public.audit_operation(a.event_type), coalesce(a.actor, ''), a.id, 1, clock_timestamp()
        FROM appended AS a WHERE a.key IS NOT NULL
    )
    SELECT r.id, r.created_at_us, r.prev_hash, r.entry_hash, r.outcome
      FROM (SELECT a.nth, a.id, a.created_at_us, a.prev_hash, a.entry_hash, 'appended' AS outcome FROM appended AS a
            UNION ALL
            SELECT u.nth, l.id, public.unix_microseconds(l.created_at), l.prev_hash, l.entry_hash,
                   CASE WHEN public.audit_same_event(l, u.event_type, u.subject, u.decision, u.details)
                        THEN 'replayed' ELSE 'conflict' END
              FROM unnest(event_types, subjects, decisions, details_texts, actors, keys) WITH ORDINALITY
                AS u (event_type, subject, decision, details, actor, key, nth)
              JOIN public.audit_idempotency AS i
                ON i.key = u.key AND i.operation = public.audit_operation(u.event_type)
               AND i.actor = coalesce(u.actor, '')
              JOIN public.audit_log AS l ON l.id = i.first_id
             WHERE u.nth <> ALL (coalesce(fresh.nths, '{}'))) AS r
     ORDER BY r.nth;
END
$$;

CREATE FUNCTION public.audit_known_key(known_key text, known_operation text, known_actor text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
  SELECT i.first_id FROM public.audit_idempotency AS i
   WHERE i.key = known_key AND i.operation = known_operation AND i.actor = known_actor;
END;
COMMENT ON FUNCTION public.audit_known_key IS
  'The first entry that was appended under a key; null if there is none, or it is forgotten';

RESET ROLE;

GRANT EXECUTE ON FUNCTION public.audit_known_key TO audit_service;
