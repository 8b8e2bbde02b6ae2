-- Registrations travel in batches, as appends do: one lock, one flush and one transaction for all that wait. Each is
-- judged as if it came alone and in its turn, and what is refused fails nobody else.
SET ROLE governance_tables;

CREATE TYPE public.lineage_registration AS (
  model_id text, version text, created_by text, artifacts text[], parents text, metadata text, aibom text,
  salt bytea, actor text, request_id text, key text
);
COMMENT ON TYPE public.lineage_registration IS
  'What lineage_register takes: a record, the salt of its entry, who asks, and under which Idempotency-Key';

DROP FUNCTION public.lineage_register;
-- JSON, because the lists of artifacts are of different lengths, which no array of arrays can be. Plans are kept for as
-- long as a connection, also those that were made while the tables were small: each table is reached by LATERAL and
-- LIMIT 1, which is one probe of an index for each registration, and never joined as a whole.
CREATE FUNCTION public.lineage_register(registrations json)
  RETURNS TABLE (id bigint, revision int, created_at_us bigint, record_hash bytea, audit_id bigint,
                 audit_prev_hash bytea, audit_entry_hash bytea, outcome text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off
AS $$
DECLARE
  batch        constant public.lineage_registration[] :=
    ARRAY(SELECT r FROM json_populate_recordset(NULL::public.lineage_registration, registrations) AS r);
  -- Before the lock: hashing a bill of several MiB would hold up every append.
  hashes       constant bytea[] :=
    ARRAY(SELECT public.lineage_record_hash(b.model_id, b.version, b.created_by, b.artifacts, b.parents, b.metadata, b.aibom)
            FROM unnest(batch) AS b);
  new          record;
  entry_ids    bigint[];
  prev_hashes  bytea[];
  entry_hashes bytea[];
  moment       timestamptz;
  last_id      bigint;
BEGIN
  IF cardinality(batch) > 10000 THEN
    RAISE EXCEPTION 'a batch has at most 10,000 registrations' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- The lock of the log also makes registrations take turns, so the checks below see every earlier one.
  PERFORM public.audit_lock();

  -- All revisions of a version have the same artifacts: those of the latest, or else of the first in this batch.
  WITH fresh AS (
    SELECT b.*, latest.revision AS latest,
           coalesce(latest.artifacts, first_value(b.artifacts) OVER (PARTITION BY b.model_id, b.version ORDER BY b.nth)) AS settled
      FROM ROWS FROM (unnest(batch), unnest(hashes)) WITH ORDINALITY
             AS b (model_id, version, created_by, artifacts, parents, metadata, aibom, salt, actor, request_id, key,
                   record_hash, nth)
      LEFT JOIN LATERAL (SELECT l.revision, l.artifacts FROM public.model_lineage AS l
                          WHERE l.model_id = b.model_id AND l.version = b.version
                          ORDER BY l.revision DESC LIMIT 1) AS latest ON true
      LEFT JOIN LATERAL (SELECT i.first_id FROM public.audit_idempotency AS i
                          WHERE i.key = b.key AND i.operation = 'register' AND i.actor = coalesce(b.actor, '')
                          LIMIT 1) AS known ON true
     WHERE known.first_id IS NULL
  ), accepted AS (
    SELECT f.*, (coalesce(f.latest, 0) + row_number() OVER (PARTITION BY f.model_id, f.version ORDER BY f.nth))::int AS revision
      FROM fresh AS f WHERE public.same_artifacts(f.settled, f.artifacts)
  )
  SELECT array_agg(a.nth ORDER BY a.nth) AS nths, array_agg(a.revision ORDER BY a.nth) AS revisions,
         array_agg('lineage.registered'::text) AS types, array_agg(true) AS decisions,
         array_agg(a.model_id || '@' || a.version ORDER BY a.nth) AS subjects,
         array_agg('{"record_hash":"' || encode(a.record_hash, 'hex') || '","revision":' || a.revision || '}'
                   ORDER BY a.nth) AS details,
         array_agg(a.salt ORDER BY a.nth) AS salts, array_agg(a.actor ORDER BY a.nth) AS actors,
         array_agg(a.request_id ORDER BY a.nth) AS request_ids
    INTO new
    FROM accepted AS a;

  IF new.nths IS NOT NULL THEN
    SELECT array_agg(e.id), array_agg(e.prev_hash), array_agg(e.entry_hash)
      INTO entry_ids, prev_hashes, entry_hashes
      FROM public.audit_append_unchecked(new.types, new.subjects, new.decisions, new.details, new.salts, new.actors,
                                         new.request_ids) AS e;
    SELECT a.created_at INTO moment FROM public.audit_log AS a WHERE a.id = entry_ids[1];
    SELECT coalesce(max(l.id), 0) INTO last_id FROM public.model_lineage AS l;
    INSERT INTO public.model_lineage (id, audit_id, revision, created_at, model_id, version, created_by,
                                      artifacts, parents, metadata, aibom, record_hash)
    SELECT last_id + n.position, n.audit_id, n.revision, moment, b.model_id, b.version, b.created_by,
           b.artifacts, b.parents, b.metadata, b.aibom, b.record_hash
      FROM ROWS FROM (unnest(batch), unnest(hashes)) WITH ORDINALITY
             AS b (model_id, version, created_by, artifacts, parents, metadata, aibom, salt, actor, request_id, key,
                   record_hash, nth)
      JOIN unnest(new.nths, new.revisions, entry_ids) WITH ORDINALITY AS n (nth, revision, audit_id, position)
     USING (nth);
    -- Two of one batch under the same key violate the primary key here: the batch fails as a whole, and its caller
    -- registers one by one.
    INSERT INTO public.audit_idempotency (key, operation, actor, first_id, count, created_at)
    SELECT b.key, 'register', coalesce(b.actor, ''), n.audit_id, 1, clock_timestamp()
      FROM unnest(batch) WITH ORDINALITY
             AS b (model_id, version, created_by, artifacts, parents, metadata, aibom, salt, actor, request_id, key, nth)
      JOIN unnest(new.nths, entry_ids) AS n (nth, audit_id) USING (nth)
     WHERE b.key IS NOT NULL;
  END IF;

  RETURN QUERY
    SELECT coalesce(last_id + n.position, k.id), coalesce(n.revision, k.revision),
           public.unix_microseconds(CASE WHEN n.nth IS NULL THEN k.created_at ELSE moment END),
           coalesce(k.record_hash, b.record_hash), coalesce(n.audit_id, k.audit_id), n.prev_hash,
           coalesce(n.entry_hash, k.entry_hash),
           CASE WHEN n.nth IS NOT NULL THEN 'registered'
                WHEN k.id IS NULL THEN 'artifacts_conflict'
                WHEN k.record_hash = b.record_hash THEN 'replayed'
                ELSE 'key_conflict' END
      FROM ROWS FROM (unnest(batch), unnest(hashes)) WITH ORDINALITY
             AS b (model_id, version, created_by, artifacts, parents, metadata, aibom, salt, actor, request_id, key,
                   record_hash, nth)
      LEFT JOIN unnest(new.nths, new.revisions, entry_ids, prev_hashes, entry_hashes) WITH ORDINALITY
             AS n (nth, revision, audit_id, prev_hash, entry_hash, position) USING (nth)
      LEFT JOIN LATERAL (SELECT l.id, l.revision, l.created_at, l.record_hash, l.audit_id, a.entry_hash
                           FROM public.audit_idempotency AS i
                           JOIN public.model_lineage AS l ON l.audit_id = i.first_id
                           JOIN public.audit_log AS a ON a.id = i.first_id
                          WHERE i.key = b.key AND i.operation = 'register' AND i.actor = coalesce(b.actor, '')
                            AND n.nth IS NULL
                          LIMIT 1) AS k ON true
     ORDER BY nth;
END
$$;
COMMENT ON FUNCTION public.lineage_register IS
  'Registers revisions and appends their log entries in the same transaction, each once for its key; outcome: registered, replayed, key_conflict, artifacts_conflict';

RESET ROLE;

GRANT EXECUTE ON FUNCTION public.lineage_register TO lineage_service;
