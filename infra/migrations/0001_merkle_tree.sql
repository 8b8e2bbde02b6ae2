-- The Merkle tree over the log (docs/FORMATS.md). Of its nodes only the roots of full subtrees of 256 leaves are
-- kept; everything below is recomputed from entries, everything above from these rows.
SET ROLE governance_tables;

CREATE TABLE public.audit_subtrees (
  index bigint PRIMARY KEY CHECK (index >= 0),
  root  bytea  NOT NULL CHECK (octet_length(root) = 32)
);
COMMENT ON TABLE public.audit_subtrees IS
  'Root of each full subtree of 256 leaves, stored with the entry that completes it';
COMMENT ON COLUMN public.audit_subtrees.index IS 'Covers the entries 256 * index + 1 to 256 * index + 256';

CREATE TRIGGER audit_subtrees_append_only BEFORE UPDATE OR DELETE ON public.audit_subtrees
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_subtrees_no_truncate BEFORE TRUNCATE ON public.audit_subtrees
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE FUNCTION public.audit_subtree_root(subtree bigint) RETURNS bytea
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  -- The hashes of one level side by side: cutting 64 bytes out of one value is cheaper than an array.
  hashes bytea;
  width  int;
BEGIN
  SELECT string_agg(sha256('\x00'::bytea || a.entry_hash), '' ORDER BY a.id), count(*)
    INTO hashes, width
    FROM public.audit_log AS a WHERE a.id BETWEEN 256 * subtree + 1 AND 256 * subtree + 256;
  IF width <> 256 THEN
    RAISE EXCEPTION 'subtree % is not full: it has % entries', subtree, width
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  WHILE width > 1 LOOP
    width := width / 2;
    SELECT string_agg(sha256('\x01'::bytea || substr(hashes, 64 * i + 1, 64)), '' ORDER BY i)
      INTO hashes FROM generate_series(0, width - 1) AS i;
  END LOOP;
  RETURN hashes;
END
$$;
COMMENT ON FUNCTION public.audit_subtree_root IS
  'Root of a full subtree (RFC 6962 section 2.1), computed from the entries';

CREATE FUNCTION public.audit_store_subtrees(last_id bigint) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
  INSERT INTO public.audit_subtrees (index, root)
  SELECT i, public.audit_subtree_root(i)
    FROM generate_series((SELECT coalesce(max(s.index) + 1, 0) FROM public.audit_subtrees AS s),
                         last_id / 256 - 1) AS i;
END;
COMMENT ON FUNCTION public.audit_store_subtrees IS
  'Stores the roots of the subtrees that are full at this size and not stored yet; for the functions of this schema only';

-- As before, and stores the subtrees that the batch completes: no size of the log is without its rows.
CREATE OR REPLACE FUNCTION public.audit_append_unchecked(
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

  IF (first_id + n - 1) / 256 > (first_id - 1) / 256 THEN
    PERFORM public.audit_store_subtrees(first_id + n - 1);
  END IF;

  RETURN QUERY
    SELECT first_id + u.nth - 1, now_us, u.prev_hash, u.entry_hash
      FROM unnest(prev_hashes, entry_hashes) WITH ORDINALITY AS u (prev_hash, entry_hash, nth)
     ORDER BY u.nth;
END
$$;

-- A log that is older than its tree.
SELECT public.audit_store_subtrees(coalesce(max(id), 0)) FROM public.audit_log;

RESET ROLE;

GRANT SELECT ON public.audit_subtrees TO audit_service;
