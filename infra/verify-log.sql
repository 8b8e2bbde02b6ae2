-- Recomputes the whole log inside PostgreSQL from docs/FORMATS.md, by built-in functions alone: those of the
-- schema could have been replaced. Changes nothing; prints one line of JSON, as GET /verify does.
--
--   docker compose exec -T db sh -c 'psql -XAtq -U "$POSTGRES_USER" -d "$POSTGRES_DB"' < infra/verify-log.sql
--
-- Not checked here: that details are canonical JSON, which takes a JSON printer; the other verifiers do it.
-- The first reason that applies is named, in the order that all verifiers have.
WITH linked AS (
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
), judged AS (
  SELECT id, id_before,
         CASE
           WHEN id <> id_before + 1 THEN 'the entry is missing'
           WHEN prev_hash <> hash_before THEN 'prev_hash is not the entry_hash of the entry before'
           WHEN created_at < created_before THEN 'created_at is earlier than that of the entry before'
           WHEN details IS NULL OR details_salt IS NULL
             THEN 'details are missing and no erasure accounts for it'
           WHEN details_hash <> sha256(details_salt || convert_to(details, 'UTF8'))
             THEN 'details do not match details_hash'
           WHEN entry_hash <> sha256('\x02'::bytea || prev_hash || int8send(id)
                || int8send((extract(epoch FROM created_at) * 1000000)::bigint) || event_hash)
             THEN 'entry_hash does not match the content'
         END AS reason
    FROM linked
), bad AS (
  SELECT CASE WHEN id <> id_before + 1 THEN id_before + 1 ELSE id END AS id, reason
    FROM judged WHERE reason IS NOT NULL ORDER BY judged.id LIMIT 1
)
SELECT json_build_object(
         'ok', NOT EXISTS (SELECT FROM bad),
         'entries', coalesce((SELECT id - 1 FROM bad), (SELECT count(*) FROM judged)),
         'first_bad_id', (SELECT id FROM bad),
         'reason', (SELECT reason FROM bad));
