-- Exactly once: a change that a caller asks for under an Idempotency-Key is made once, however often it is
-- asked for. Keys are looked up and stored under the lock of the log, in the transaction of the change.
SET ROLE governance_tables;

CREATE TABLE public.audit_idempotency (
  key        text        NOT NULL CHECK (key ~ '^[\x21-\x7e]{1,200}$'),
  operation  text        NOT NULL CHECK (operation IN ('log', 'log_batch', 'register')),
  actor      text        NOT NULL CHECK (char_length(actor) <= 600),
  first_id   bigint      NOT NULL CHECK (first_id > 0),
  count      int         NOT NULL CHECK (count > 0),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (key, operation, actor)
);
COMMENT ON TABLE public.audit_idempotency IS
  'Which entries were appended under an Idempotency-Key; nothing of their content, and kept for 7 days';
COMMENT ON COLUMN public.audit_idempotency.actor IS 'The actor of the entries, empty where they have none';
COMMENT ON COLUMN public.audit_idempotency.first_id IS 'The first of `count` entries with successive ids';
-- For pruning. Rows come in order of time, which is what makes an index of a few pages enough.
CREATE INDEX audit_idempotency_by_time ON public.audit_idempotency USING brin (created_at);

CREATE FUNCTION public.audit_same_event(
  stored public.audit_log, event_type text, subject text, decision boolean, details text
) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN stored.event_type = event_type AND stored.subject = subject AND stored.decision = decision
     AND (stored.details_salt IS NULL
          OR public.audit_details_hash(stored.details_salt, details) = stored.details_hash);
COMMENT ON FUNCTION public.audit_same_event IS
  'Whether an entry records this event; of an erased one, whether nothing speaks against it';

DROP FUNCTION public.audit_append;
CREATE FUNCTION public.audit_append(
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
                              WHERE i.key = u.key AND i.operation = 'log' AND i.actor = coalesce(u.actor, ''))
           ORDER BY u.nth) AS u;

  -- Two of one batch under the same key violate the primary key here: the batch fails as a whole, and its
  -- caller appends one by one.
  RETURN QUERY
    WITH appended AS MATERIALIZED (
      SELECT f.nth, f.key, f.actor, a.*
        FROM ROWS FROM (public.audit_append_unchecked(
               fresh.event_types, fresh.subjects, fresh.decisions, fresh.details_texts, fresh.salts,
               fresh.actors, fresh.request_ids)) WITH ORDINALITY
               AS a (id, created_at_us, prev_hash, entry_hash, position)
        JOIN unnest(fresh.nths, fresh.keys, fresh.actors) WITH ORDINALITY AS f (nth, key, actor, position)
       USING (position)
       WHERE fresh.nths IS NOT NULL
    ), stored AS (
      INSERT INTO public.audit_idempotency (key, operation, actor, first_id, count, created_at)
      SELECT a.key, 'log', coalesce(a.actor, ''), a.id, 1, clock_timestamp()
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
                ON i.key = u.key AND i.operation = 'log' AND i.actor = coalesce(u.actor, '')
              JOIN public.audit_log AS l ON l.id = i.first_id
             WHERE u.nth <> ALL (coalesce(fresh.nths, '{}'))) AS r
     ORDER BY r.nth;
END
$$;
COMMENT ON FUNCTION public.audit_append IS
  'Appends events that have nothing to do with each other, arrays of equal length; what was appended under its key before is answered as replayed or, where it differs, as conflict';

CREATE FUNCTION public.audit_refuse_reserved(event_types text[]) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF cardinality(event_types) > 10000 THEN
    RAISE EXCEPTION 'a batch has at most 10,000 entries' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF EXISTS (SELECT FROM unnest(event_types) AS t (event_type)
              WHERE t.event_type ILIKE 'lineage.%' OR t.event_type ILIKE 'audit.%') THEN
    RAISE EXCEPTION 'event types lineage.* and audit.* are written only with the change they attest'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;
COMMENT ON FUNCTION public.audit_refuse_reserved IS
  'Refuses event types that are written only with the change they attest';

CREATE FUNCTION public.audit_append_batch(
  event_types text[], subjects text[], decisions boolean[], details_texts text[], salts bytea[],
  actor text, request_id text, batch_key text
) RETURNS TABLE (id bigint, created_at_us bigint, prev_hash bytea, entry_hash bytea, outcome text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  n     constant int := cardinality(event_types);
  known record;
  same  boolean;
BEGIN
  IF (n > 0 AND n = ALL (ARRAY[cardinality(subjects), cardinality(decisions), cardinality(details_texts),
                               cardinality(salts)])) IS NOT TRUE THEN
    RAISE EXCEPTION 'the arrays of a batch must have the same length, at least 1'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM public.audit_refuse_reserved(event_types);
  IF batch_key IS NOT NULL THEN
    PERFORM public.audit_lock();
    SELECT i.first_id, i.count INTO known FROM public.audit_idempotency AS i
     WHERE i.key = batch_key AND i.operation = 'log_batch' AND i.actor = coalesce(audit_append_batch.actor, '');
    IF FOUND THEN
      same := n = known.count AND NOT EXISTS (
        SELECT FROM unnest(event_types, subjects, decisions, details_texts) WITH ORDINALITY
                 AS u (event_type, subject, decision, details, nth)
          JOIN public.audit_log AS l ON l.id = known.first_id + u.nth - 1
         WHERE NOT public.audit_same_event(l, u.event_type, u.subject, u.decision, u.details));
      RETURN QUERY
        SELECT l.id, public.unix_microseconds(l.created_at), l.prev_hash, l.entry_hash,
               CASE WHEN same THEN 'replayed' ELSE 'conflict' END
          FROM public.audit_log AS l
         WHERE l.id BETWEEN known.first_id AND known.first_id + known.count - 1
         ORDER BY l.id;
      RETURN;
    END IF;
  END IF;
  RETURN QUERY SELECT a.id, a.created_at_us, a.prev_hash, a.entry_hash, 'appended'
    FROM public.audit_append_unchecked(event_types, subjects, decisions, details_texts, salts,
                                       array_fill(audit_append_batch.actor, ARRAY[n]),
                                       array_fill(audit_append_batch.request_id, ARRAY[n])) AS a;
  IF batch_key IS NOT NULL THEN
    INSERT INTO public.audit_idempotency (key, operation, actor, first_id, count, created_at)
    SELECT batch_key, 'log_batch', coalesce(audit_append_batch.actor, ''), max(l.id) - n + 1, n, clock_timestamp()
      FROM public.audit_log AS l;
  END IF;
END
$$;
COMMENT ON FUNCTION public.audit_append_batch IS
  'Appends the events of one request, all or none, under one key; a batch that is known is answered as replayed or conflict';

CREATE FUNCTION public.audit_prune_keys() RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
  -- Some at a time: a busy log has millions of them, more than a statement may take.
  WITH gone AS (
    DELETE FROM public.audit_idempotency WHERE ctid = ANY (ARRAY(
      SELECT i.ctid FROM public.audit_idempotency AS i WHERE i.created_at < now() - interval '7 days' LIMIT 20000))
    RETURNING 1
  )
  SELECT count(*) FROM gone;
END;
COMMENT ON FUNCTION public.audit_prune_keys IS
  'Forgets keys that are older than 7 days, up to 20,000 of them; returns how many';

DROP FUNCTION public.lineage_register;
CREATE FUNCTION public.lineage_register(
  new_model_id text, new_version text, new_created_by text, new_artifacts text[], new_parents text,
  new_metadata text, new_aibom text, salt bytea, actor text, request_id text, request_key text
) RETURNS TABLE (id bigint, revision int, created_at_us bigint, record_hash bytea, audit_id bigint,
                 audit_entry_hash bytea, outcome text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  latest     record;
  known      record;
  next_id    bigint;
  next_rev   int := 1;
  new_hash   bytea;
  entry      record;
BEGIN
  -- Before the lock: hashing a bill of several MiB would hold up every append.
  new_hash := public.lineage_record_hash(new_model_id, new_version, new_created_by, new_artifacts,
                                         new_parents, new_metadata, new_aibom);
  -- The lock of the log also makes registrations take turns, so the checks below see every earlier one.
  PERFORM public.audit_lock();
  SELECT l.id, l.revision, l.created_at, l.record_hash, l.audit_id, a.entry_hash INTO known
    FROM public.audit_idempotency AS i
    JOIN public.model_lineage AS l ON l.audit_id = i.first_id
    JOIN public.audit_log AS a ON a.id = i.first_id
   WHERE i.key = request_key AND i.operation = 'register' AND i.actor = coalesce(lineage_register.actor, '');
  IF FOUND THEN
    RETURN QUERY SELECT known.id, known.revision, public.unix_microseconds(known.created_at), known.record_hash,
                        known.audit_id, known.entry_hash,
                        CASE WHEN known.record_hash = new_hash THEN 'replayed' ELSE 'conflict' END;
    RETURN;
  END IF;
  SELECT l.revision, l.artifacts INTO latest
    FROM public.model_lineage AS l
   WHERE l.model_id = new_model_id AND l.version = new_version
   ORDER BY l.revision DESC LIMIT 1;
  IF FOUND THEN
    IF NOT public.same_artifacts(latest.artifacts, new_artifacts) THEN
      RAISE EXCEPTION 'this version was registered with other artifacts' USING ERRCODE = 'AG001';
    END IF;
    next_rev := latest.revision + 1;
  END IF;
  SELECT coalesce(max(l.id), 0) + 1 INTO next_id FROM public.model_lineage AS l;
  SELECT * INTO entry FROM public.audit_append_unchecked(
    ARRAY['lineage.registered'], ARRAY[new_model_id || '@' || new_version], ARRAY[true],
    ARRAY['{"record_hash":"' || encode(new_hash, 'hex') || '","revision":' || next_rev || '}'],
    ARRAY[salt], ARRAY[actor], ARRAY[request_id]);
  INSERT INTO public.model_lineage (id, audit_id, revision, created_at, model_id, version, created_by,
                                    artifacts, parents, metadata, aibom, record_hash)
  SELECT next_id, a.id, next_rev, a.created_at, new_model_id, new_version, new_created_by,
         new_artifacts, new_parents, new_metadata, new_aibom, new_hash
    FROM public.audit_log AS a WHERE a.id = entry.id;
  IF request_key IS NOT NULL THEN
    INSERT INTO public.audit_idempotency (key, operation, actor, first_id, count, created_at)
    VALUES (request_key, 'register', coalesce(lineage_register.actor, ''), entry.id, 1, clock_timestamp());
  END IF;
  RETURN QUERY SELECT next_id, next_rev, entry.created_at_us, new_hash, entry.id, entry.entry_hash, 'registered';
END
$$;
COMMENT ON FUNCTION public.lineage_register IS
  'Registers one revision and appends its log entry in the same transaction, once for each key; AG001: other artifacts';

RESET ROLE;

GRANT EXECUTE ON FUNCTION public.audit_append, public.audit_append_batch, public.audit_prune_keys TO audit_service;
GRANT EXECUTE ON FUNCTION public.lineage_register TO lineage_service;
