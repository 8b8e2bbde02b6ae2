-- The baseline schema: migration 0. Plain SQL for PostgreSQL 18 that any client can run, once, as the
-- database's owner. Later changes are numbered files in infra/migrations.
--
-- What holds here, whatever a service does:
--   * nobody but the functions below writes to a table; no service login owns or may change anything;
--   * the log has one entry per position 1, 2, 3, ..., each linked to the one before;
--   * a lineage record and the entry that attests it commit together or not at all.

-- Roles belong to the server, not to the database, so another database may have made them already.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['governance_tables', 'lineage_service', 'audit_service'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END
$$;
COMMENT ON ROLE governance_tables IS 'Owns the tables and functions of the control plane; nobody logs in as it';
COMMENT ON ROLE lineage_service IS 'Login of mcp-lineage: may register lineage and read it';
COMMENT ON ROLE audit_service IS 'Login of mcp-audit: may append to the log and read it';

-- A superuser is a member of every role; any other owner has to be made one.
GRANT governance_tables TO CURRENT_USER;
GRANT USAGE, CREATE ON SCHEMA public TO governance_tables;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$
BEGIN
  -- TEMPORARY is taken away too: a service needs no tables of its own.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO lineage_service, audit_service', current_database());
END
$$;
SET ROLE governance_tables;
-- Without this every role may execute a new function.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- ---------------------------------------------------------------------------------------------------
-- The audit log
-- ---------------------------------------------------------------------------------------------------

-- Canonical JSON escapes every control character, so an entry is one line of an export. What a faulty
-- caller stores otherwise must not make the lines after it unreadable.
CREATE FUNCTION public.is_one_line_object(json_text text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN json_text IS JSON OBJECT WITH UNIQUE KEYS AND json_text !~ '[\x01-\x1f]';
COMMENT ON FUNCTION public.is_one_line_object IS
  'Whether a text is a JSON object without duplicate names, on one line';

CREATE TABLE public.audit_log (
  id           bigint      PRIMARY KEY CHECK (id > 0),
  created_at   timestamptz NOT NULL CHECK (isfinite(created_at)),
  decision     boolean     NOT NULL,
  event_type   text        NOT NULL CHECK (char_length(event_type) BETWEEN 1 AND 200),
  subject      text        NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 500),
  actor        text        CHECK (char_length(actor) BETWEEN 1 AND 600),
  request_id   text        CHECK (char_length(request_id) BETWEEN 1 AND 64),
  -- 16 MiB is the largest body that any caller may send.
  details      text        CHECK (octet_length(details) <= 16777216 AND public.is_one_line_object(details)),
  details_salt bytea       CHECK (octet_length(details_salt) = 16),
  details_hash bytea       NOT NULL CHECK (octet_length(details_hash) = 32),
  prev_hash    bytea       NOT NULL CHECK (octet_length(prev_hash) = 32),
  entry_hash   bytea       NOT NULL CHECK (octet_length(entry_hash) = 32),
  erased_by    bigint      CHECK (erased_by > id),
  CONSTRAINT audit_log_erased_as_a_whole CHECK (
    (details IS NULL) = (erased_by IS NOT NULL) AND (details_salt IS NULL) = (erased_by IS NOT NULL)
  )
);
COMMENT ON TABLE public.audit_log IS
  'The audit log: one entry per position, hash-chained by docs/FORMATS.md; written by audit_append alone';
COMMENT ON COLUMN public.audit_log.id IS 'Position in the log: 1, 2, 3, ... without gaps';
COMMENT ON COLUMN public.audit_log.created_at IS 'Set here under the lock, never before the entry ahead of it';
COMMENT ON COLUMN public.audit_log.details IS 'Canonical JSON text (RFC 8785), byte for byte what was hashed; NULL once erased';
COMMENT ON COLUMN public.audit_log.details_salt IS '16 random bytes in front of details in its hash; NULL once erased';
COMMENT ON COLUMN public.audit_log.erased_by IS 'The later entry audit.details_erased that accounts for the erasure';

CREATE FUNCTION public.unix_microseconds(moment timestamptz) RETURNS bigint
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (extract(epoch FROM moment) * 1000000)::bigint;
COMMENT ON FUNCTION public.unix_microseconds IS 'Microseconds since 1970-01-01 UTC, exact: extract() yields numeric';

CREATE FUNCTION public.audit_details_hash(details_salt bytea, details text) RETURNS bytea
  LANGUAGE sql STABLE STRICT PARALLEL SAFE
  RETURN sha256(details_salt || convert_to(details, 'UTF8'));
COMMENT ON FUNCTION public.audit_details_hash IS 'SHA256(salt || details), docs/FORMATS.md';

-- to_json(text) escapes exactly as RFC 8785 does, so six known members need no general canonicaliser.
-- STABLE only because PostgreSQL marks to_json and convert_to so: called IMMUTABLE, it would not be inlined,
-- and a batch would take half as long again.
CREATE FUNCTION public.audit_event_hash(
  event_type text, subject text, decision boolean, details_hash bytea, actor text, request_id text
) RETURNS bytea
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN sha256(convert_to(
    '{"actor":' || coalesce(to_json(actor)::text, 'null')
    || ',"decision":' || CASE WHEN decision THEN 'true' ELSE 'false' END
    || ',"details_hash":"' || encode(details_hash, 'hex')
    || '","event_type":' || to_json(event_type)::text
    || ',"request_id":' || coalesce(to_json(request_id)::text, 'null')
    || ',"subject":' || to_json(subject)::text
    || ',"v":1}', 'UTF8'));
COMMENT ON FUNCTION public.audit_event_hash IS 'SHA256 of the canonical envelope, docs/FORMATS.md';

CREATE FUNCTION public.audit_entry_hash(prev_hash bytea, id bigint, created_at_us bigint, event_hash bytea)
  RETURNS bytea
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN sha256('\x02'::bytea || prev_hash || int8send(id) || int8send(created_at_us) || event_hash);
COMMENT ON FUNCTION public.audit_entry_hash IS
  'The link: SHA256(0x02 || prev_hash || id || created_at in microseconds || event_hash), docs/FORMATS.md';

CREATE FUNCTION public.audit_first_prev_hash() RETURNS bytea
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN decode(repeat('00', 32), 'hex');
COMMENT ON FUNCTION public.audit_first_prev_hash IS 'prev_hash of entry 1: 32 zero bytes';

-- Guards against accidents by somebody who may write tables (the owner, a superuser). The proof against
-- somebody who means it is the checkpoint kept elsewhere.

CREATE FUNCTION public.refuse_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION public.refuse_change IS 'Trigger: append-only tables refuse UPDATE, DELETE and TRUNCATE';

-- An erasure takes details and salt away, names the entry that accounts for it, and changes nothing else.
CREATE FUNCTION public.is_erasure(before public.audit_log, after public.audit_log) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN before.erased_by IS NULL AND after.erased_by IS NOT NULL
     AND before.event_type NOT LIKE ALL (ARRAY['lineage.%', 'policy.%', 'audit.%'])
     AND (after.id, after.created_at, after.decision, after.event_type, after.subject, after.actor,
          after.request_id, after.details_hash, after.prev_hash, after.entry_hash)
         IS NOT DISTINCT FROM
         (before.id, before.created_at, before.decision, before.event_type, before.subject, before.actor,
          before.request_id, before.details_hash, before.prev_hash, before.entry_hash);
COMMENT ON FUNCTION public.is_erasure IS 'Whether a change of an entry is nothing but the erasure of its details';

-- Every new row must continue the row one position before it. With the primary key this makes a fork
-- impossible: a position exists once, and its prev_hash is decided by the position before. A unique
-- index on prev_hash would say the same but insert at random places of a large index.
CREATE FUNCTION public.audit_log_check_links() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  bad_id bigint;
BEGIN
  SELECT n.id INTO bad_id
    FROM new_rows AS n
   WHERE n.prev_hash IS DISTINCT FROM
         CASE WHEN n.id = 1 THEN public.audit_first_prev_hash()
              ELSE (SELECT p.entry_hash FROM public.audit_log AS p WHERE p.id = n.id - 1) END
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % does not continue the entry before it', bad_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.audit_log_check_links IS 'Trigger: no gap and no fork';

CREATE TRIGGER audit_log_check_links AFTER INSERT ON public.audit_log
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.audit_log_check_links();
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON public.audit_log
  FOR EACH ROW WHEN (NOT public.is_erasure(OLD, NEW)) EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON public.audit_log
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

-- The one lock that every writer of the log takes. A transaction-level advisory lock: a crash frees it,
-- and readers never wait for it.
CREATE FUNCTION public.audit_lock() RETURNS void
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
  PERFORM set_config('lock_timeout', '2s', true);
  PERFORM pg_advisory_xact_lock(7402117835102841001);
END
$$;
COMMENT ON FUNCTION public.audit_lock IS
  'Takes the lock of the log until the end of the transaction; waits at most 2 s';

-- Appends without asking who may write which event type: audit_append asks, and so do the functions
-- that attest a change of their own. Granted to no service.
CREATE FUNCTION public.audit_append_unchecked(
  event_types text[], subjects text[], decisions boolean[], details_texts text[], salts bytea[],
  actors text[], request_ids text[]
) RETURNS TABLE (id bigint, created_at_us bigint, prev_hash bytea, entry_hash bytea)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  n              constant int := cardinality(event_types);
  first_id       bigint := 1;
  prev           bytea := public.audit_first_prev_hash();
  now_at         timestamptz;
  now_us         bigint;
  details_hashes bytea[];
  event_hashes   bytea[];
  prev_hashes    bytea[];
  entry_hashes   bytea[];
  head           record;
BEGIN
  PERFORM public.audit_lock();

  -- What does not depend on the chain is computed for the whole batch at once. From unnest(), because
  -- reaching into a text[] by subscript walks it from its start every time.
  SELECT array_agg(h.details_hash ORDER BY h.nth),
         array_agg(public.audit_event_hash(h.event_type, h.subject, h.decision, h.details_hash, h.actor,
                                           h.request_id) ORDER BY h.nth)
    INTO details_hashes, event_hashes
    FROM (SELECT u.*, public.audit_details_hash(u.salt, u.details) AS details_hash
            FROM unnest(event_types, subjects, decisions, details_texts, salts, actors, request_ids)
                 WITH ORDINALITY
              AS u (event_type, subject, decision, details, salt, actor, request_id, nth)
          OFFSET 0) AS h;

  -- A statement of its own: under READ COMMITTED it sees what the last holder of the lock committed.
  SELECT a.id, a.entry_hash, a.created_at INTO head
    FROM public.audit_log AS a ORDER BY a.id DESC LIMIT 1;
  IF FOUND THEN
    first_id := head.id + 1;
    prev := head.entry_hash;
  END IF;
  now_at := greatest(clock_timestamp(), head.created_at);
  now_us := public.unix_microseconds(now_at);

  FOR i IN 1 .. n LOOP
    prev_hashes[i] := prev;
    prev := public.audit_entry_hash(prev, first_id + i - 1, now_us, event_hashes[i]);
    entry_hashes[i] := prev;
  END LOOP;

  INSERT INTO public.audit_log (id, created_at, decision, event_type, subject, actor, request_id,
                                details, details_salt, details_hash, prev_hash, entry_hash)
  SELECT first_id + u.nth - 1, now_at, u.decision, u.event_type, u.subject, u.actor, u.request_id,
         u.details, u.salt, u.details_hash, u.prev_hash, u.entry_hash
    FROM unnest(decisions, event_types, subjects, actors, request_ids, details_texts, salts,
                details_hashes, prev_hashes, entry_hashes) WITH ORDINALITY
      AS u (decision, event_type, subject, actor, request_id, details, salt, details_hash, prev_hash,
            entry_hash, nth);

  RETURN QUERY
    SELECT first_id + u.nth - 1, now_us, u.prev_hash, u.entry_hash
      FROM unnest(prev_hashes, entry_hashes) WITH ORDINALITY AS u (prev_hash, entry_hash, nth)
     ORDER BY u.nth;
END
$$;
COMMENT ON FUNCTION public.audit_append_unchecked IS
  'Appends a batch in one statement: all of it or nothing; for the functions of this schema only';

CREATE FUNCTION public.audit_append(
  event_types text[], subjects text[], decisions boolean[], details_texts text[], salts bytea[],
  actors text[], request_ids text[]
) RETURNS TABLE (id bigint, created_at_us bigint, prev_hash bytea, entry_hash bytea)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF (cardinality(event_types) = ALL (ARRAY[cardinality(subjects), cardinality(decisions),
        cardinality(details_texts), cardinality(salts), cardinality(actors), cardinality(request_ids)]))
     IS NOT TRUE THEN
    RAISE EXCEPTION 'the arrays of a batch must have the same length'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF cardinality(event_types) > 10000 THEN
    RAISE EXCEPTION 'a batch has at most 10,000 entries' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF EXISTS (SELECT FROM unnest(event_types) AS t (event_type)
              WHERE t.event_type ILIKE 'lineage.%' OR t.event_type ILIKE 'audit.%') THEN
    RAISE EXCEPTION 'event types lineage.* and audit.* are written only with the change they attest'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN QUERY SELECT * FROM public.audit_append_unchecked(
    event_types, subjects, decisions, details_texts, salts, actors, request_ids);
END
$$;
COMMENT ON FUNCTION public.audit_append IS
  'Appends a batch of entries, arrays of equal length; returns position, time (us) and hashes in order';

-- ---------------------------------------------------------------------------------------------------
-- Lineage
-- ---------------------------------------------------------------------------------------------------

CREATE TABLE public.model_lineage (
  id          bigint  PRIMARY KEY CHECK (id > 0),
  audit_id    bigint  NOT NULL UNIQUE REFERENCES public.audit_log (id),
  revision    int     NOT NULL CHECK (revision > 0),
  created_at  timestamptz NOT NULL,
  model_id    text    NOT NULL CHECK (char_length(model_id) BETWEEN 1 AND 200),
  version     text    NOT NULL CHECK (char_length(version) BETWEEN 1 AND 100),
  created_by  text    NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 200),
  artifacts   text[]  NOT NULL CHECK (array_position(artifacts, NULL) IS NULL),
  parents     text    NOT NULL CHECK (parents IS JSON ARRAY AND parents !~ '[\x01-\x1f]'),
  metadata    text    NOT NULL CHECK (public.is_one_line_object(metadata)),
  aibom       text    CHECK (public.is_one_line_object(aibom)),
  record_hash bytea   NOT NULL CHECK (octet_length(record_hash) = 32),
  UNIQUE (model_id, version, revision)
);
CREATE INDEX model_lineage_by_model ON public.model_lineage (model_id, id);
COMMENT ON TABLE public.model_lineage IS
  'Where each model version came from, revision by revision; written by lineage_register alone';
COMMENT ON COLUMN public.model_lineage.audit_id IS 'The log entry lineage.registered that attests this record';
COMMENT ON COLUMN public.model_lineage.created_at IS 'The created_at of that entry';
COMMENT ON COLUMN public.model_lineage.parents IS 'Canonical JSON text, in the order given';
COMMENT ON COLUMN public.model_lineage.metadata IS 'Canonical JSON text; never jsonb, which rewrites numbers';
COMMENT ON COLUMN public.model_lineage.aibom IS 'Canonical JSON text of the AI bill of materials as registered';

CREATE TRIGGER model_lineage_append_only BEFORE UPDATE OR DELETE ON public.model_lineage
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER model_lineage_no_truncate BEFORE TRUNCATE ON public.model_lineage
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE FUNCTION public.lineage_record_hash(
  model_id text, version text, created_by text, artifacts text[], parents text, metadata text, aibom text
) RETURNS bytea
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN sha256(convert_to(
    '{"aibom_sha256":' || coalesce('"' || encode(sha256(convert_to(aibom, 'UTF8')), 'hex') || '"', 'null')
    || ',"artifacts":[' || coalesce((SELECT string_agg(to_json(a.value)::text, ',' ORDER BY a.nth)
                                       FROM unnest(artifacts) WITH ORDINALITY AS a (value, nth)), '')
    || '],"created_by":' || to_json(created_by)::text
    || ',"metadata":' || metadata
    || ',"model_id":' || to_json(model_id)::text
    || ',"parents":' || parents
    || ',"v":1,"version":' || to_json(version)::text || '}', 'UTF8'));
COMMENT ON FUNCTION public.lineage_record_hash IS 'SHA256 of the canonical record, docs/FORMATS.md';

CREATE FUNCTION public.same_artifacts(one text[], other text[]) RETURNS boolean
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  -- Not by @>, which compares each with each.
  RETURN (SELECT array_agg(DISTINCT a ORDER BY a) FROM unnest(one) AS a)
         IS NOT DISTINCT FROM (SELECT array_agg(DISTINCT b ORDER BY b) FROM unnest(other) AS b);
COMMENT ON FUNCTION public.same_artifacts IS 'Whether two lists name the same digests; order and repeats do not matter';

CREATE FUNCTION public.lineage_register(
  new_model_id text, new_version text, new_created_by text, new_artifacts text[], new_parents text,
  new_metadata text, new_aibom text, salt bytea, actor text, request_id text
) RETURNS TABLE (id bigint, revision int, created_at_us bigint, record_hash bytea, audit_id bigint,
                 audit_entry_hash bytea)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  latest     record;
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
  RETURN QUERY SELECT next_id, next_rev, entry.created_at_us, new_hash, entry.id, entry.entry_hash;
END
$$;
COMMENT ON FUNCTION public.lineage_register IS
  'Registers one revision and appends its log entry in the same transaction; AG001: other artifacts';

-- Lineage is verified against its entries, and of the log nothing else is that service's business.
CREATE INDEX audit_log_lineage ON public.audit_log (id) WHERE event_type = 'lineage.registered';
CREATE VIEW public.lineage_entries WITH (security_barrier) AS
  SELECT id, created_at, event_type, subject, decision, details, details_salt, details_hash, actor,
         request_id, prev_hash, entry_hash
    FROM public.audit_log WHERE event_type = 'lineage.registered';
COMMENT ON VIEW public.lineage_entries IS 'The log entries that attest lineage records';

RESET ROLE;

-- ---------------------------------------------------------------------------------------------------
-- What the service logins may do; everything else they may not
-- ---------------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA public TO lineage_service, audit_service;
GRANT EXECUTE ON FUNCTION public.unix_microseconds TO lineage_service, audit_service;

GRANT SELECT ON public.audit_log TO audit_service;
GRANT EXECUTE ON FUNCTION public.audit_append TO audit_service;

GRANT SELECT ON public.model_lineage, public.lineage_entries TO lineage_service;
GRANT EXECUTE ON FUNCTION public.lineage_register TO lineage_service;
