-- Recomputes the whole log inside PostgreSQL from docs/FORMATS.md, by built-in functions alone: those of the
-- schema could have been replaced. Changes nothing; prints one line of JSON, as GET /verify does.
--
--   docker compose exec -T db sh -c 'psql -XAtq -U "$POSTGRES_USER" -d "$POSTGRES_DB"' < infra/verify-log.sql
--
-- Not checked here: that details are canonical JSON, which takes a JSON printer, and that the log is the one that
-- was signed, which takes a checkpoint. The other verifiers do both.
-- The first reason that applies is named, in the order that all verifiers have.
WITH RECURSIVE linked AS (
  SELECT e.*,
         coalesce(lag(id) OVER log, 0) AS id_before,
         coalesce(lag(entry_hash) OVER log, decode(repeat('00', 32), 'hex')) AS hash_before,
         coalesce(lag(created_at) OVER log, '-infinity') AS created_before,
         sha256(convert_to(
           '{"actor":' || coalesce(to_json(actor)::text, 'null')
           || ',"decision":' || decision::text
           || ',"details_hash":"' || encode(details_hash, 'hex')
           || '","event_type":' || to_json(event_type)::text
           || ',"request_id":' || coalesce(to_json(request_id)::text, 'null')
           || ',"subject":' || to_json(subject)::text
           || ',"v":1}', 'UTF8')) AS event_hash
    FROM public.audit_log AS e
  WINDOW log AS (ORDER BY id)
), erasures AS (
  SELECT id, CASE WHEN details IS JSON OBJECT THEN details::json END AS members
    FROM public.audit_log WHERE event_type = 'audit.details_erased'
), ranges AS (
  -- Null where a member is missing or no integer. CASE, because conditions in WHERE have no order.
  SELECT id, CASE WHEN (members -> 'first_id')::text ~ '^[1-9][0-9]{0,15}$' THEN (members ->> 'first_id')::bigint END
               AS first_id,
         CASE WHEN (members -> 'last_id')::text ~ '^[1-9][0-9]{0,15}$' THEN (members ->> 'last_id')::bigint END
           AS last_id,
         CASE WHEN (members -> 'count')::text ~ '^(0|[1-9][0-9]{0,15})$' THEN (members ->> 'count')::bigint END
           AS count
    FROM erasures
), erasers AS (
  SELECT * FROM ranges WHERE first_id <= last_id AND last_id < id AND count IS NOT NULL
), named AS (
  SELECT erased_by AS id, count(*) FROM public.audit_log WHERE erased_by IS NOT NULL GROUP BY erased_by
), judged AS (
  SELECT l.id, id_before,
         CASE
           WHEN l.id <> id_before + 1 THEN 'the entry is missing'
           WHEN prev_hash <> hash_before THEN 'prev_hash is not the entry_hash of the entry before'
           WHEN created_at < created_before THEN 'created_at is earlier than that of the entry before'
           WHEN erased_by IS NULL AND (details IS NULL OR details_salt IS NULL)
             THEN 'details are missing and no erasure accounts for it'
           WHEN erased_by IS NULL AND details_hash <> sha256(details_salt || convert_to(details, 'UTF8'))
             THEN 'details do not match details_hash'
           WHEN erased_by IS NOT NULL AND (details IS NOT NULL OR details_salt IS NOT NULL)
             THEN 'an erased entry holds details or their salt'
           WHEN erased_by <= l.id THEN 'details are missing and no erasure accounts for it'
           WHEN erased_by IS NOT NULL AND event_type LIKE ANY (ARRAY['lineage.%', 'policy.%', 'audit.%'])
             THEN 'an entry of this type is never erased'
           WHEN entry_hash <> sha256('\x02'::bytea || prev_hash || int8send(l.id)
                || int8send((extract(epoch FROM created_at) * 1000000)::bigint) || event_hash)
             THEN 'entry_hash does not match the content'
           WHEN erased_by IS NOT NULL AND NOT coalesce(l.id BETWEEN by.first_id AND by.last_id, false)
             THEN 'details are missing and no erasure accounts for it'
           WHEN event_type = 'audit.details_erased' AND own.id IS NULL THEN 'an erasure does not say what it erased'
           WHEN event_type = 'audit.details_erased' AND own.count <> coalesce(named.count, 0)
             THEN format('the erasure counts %s entries, and %s name it', own.count, coalesce(named.count, 0))
         END AS reason
    FROM linked AS l
    LEFT JOIN erasers AS by ON by.id = l.erased_by
    LEFT JOIN erasers AS own ON own.id = l.id
    LEFT JOIN named ON named.id = l.id
), bad_entry AS (
  SELECT CASE WHEN id <> id_before + 1 THEN id_before + 1 ELSE id END AS id, reason
    FROM judged WHERE reason IS NOT NULL ORDER BY judged.id LIMIT 1
), tree (index, hashes) AS (
  -- The hashes of one level of a full subtree side by side, from its 256 leaves to its root.
  SELECT (id - 1) / 256, string_agg(sha256('\x00'::bytea || entry_hash), '' ORDER BY id)
    FROM public.audit_log
   WHERE id < coalesce((SELECT id FROM bad_entry), 9223372036854775807)
   GROUP BY 1 HAVING count(*) = 256
  UNION ALL
  SELECT index, (SELECT string_agg(sha256('\x01'::bytea || substr(hashes, 64 * i + 1, 64)), '' ORDER BY i)
                   FROM generate_series(0, octet_length(hashes) / 64 - 1) AS i)
    FROM tree WHERE octet_length(hashes) > 32
), bad_subtree AS (
  SELECT 256 * index + 1 AS id,
         format('the stored subtree %s (entries %s to %s) ', index, 256 * index + 1, 256 * index + 256)
         || CASE WHEN t.hashes IS NULL THEN 'has no entries'
                 WHEN s.root IS NULL THEN 'is missing'
                 ELSE 'is not the root of its entries' END AS reason
    FROM public.audit_subtrees AS s
    FULL JOIN (SELECT index, hashes FROM tree WHERE octet_length(hashes) = 32) AS t USING (index)
   WHERE s.root IS DISTINCT FROM t.hashes
     -- What was computed ends before a bad entry; what is stored for later ones says nothing.
     AND (t.hashes IS NOT NULL OR NOT EXISTS (SELECT FROM bad_entry))
   ORDER BY index LIMIT 1
), bad AS (
  SELECT * FROM (SELECT * FROM bad_entry UNION ALL SELECT * FROM bad_subtree) AS found ORDER BY id LIMIT 1
)
SELECT json_build_object(
         'ok', NOT EXISTS (SELECT FROM bad),
         'entries', coalesce((SELECT id - 1 FROM bad), (SELECT count(*) FROM judged)),
         'first_bad_id', (SELECT id FROM bad),
         'reason', (SELECT reason FROM bad));
