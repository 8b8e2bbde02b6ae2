-- What a service login that somebody has taken over could store, and nobody could take back.
SET ROLE governance_tables;

-- Ids stand in entries as JSON numbers, which are exact up to here.
ALTER TABLE public.audit_holds ADD CONSTRAINT audit_holds_exact_in_json CHECK (last_id <= 9007199254740991);

-- Found by subject and by range apart: as one condition each entry was compared with each hold.
CREATE INDEX audit_holds_by_subject ON public.audit_holds (subject) WHERE released_by IS NULL AND subject IS NOT NULL;
CREATE INDEX audit_holds_by_range ON public.audit_holds (first_id, last_id)
  WHERE released_by IS NULL AND first_id IS NOT NULL;
DROP INDEX public.audit_holds_in_force;
CREATE OR REPLACE FUNCTION public.audit_is_held(entry_id bigint, entry_subject text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN EXISTS (SELECT FROM public.audit_holds AS h WHERE h.released_by IS NULL AND h.subject = entry_subject)
      OR EXISTS (SELECT FROM public.audit_holds AS h
                  WHERE h.released_by IS NULL AND h.first_id <= entry_id AND h.last_id >= entry_id);

-- Several heads of one size may have been cosigned, of which one is ours.
ALTER TABLE public.audit_cosignatures DROP CONSTRAINT audit_cosignatures_pkey,
  ADD PRIMARY KEY (origin, witness, size, root);
CREATE OR REPLACE FUNCTION public.audit_store_cosignature(size bigint, root bytea, origin text, witness text, line text)
  RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF audit_store_cosignature.size > (SELECT coalesce(max(a.id), 0) FROM public.audit_log AS a) THEN
    RAISE EXCEPTION 'the log has less than % entries', audit_store_cosignature.size USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO public.audit_cosignatures (size, root, origin, witness, line, created_at)
  VALUES (audit_store_cosignature.size, audit_store_cosignature.root, audit_store_cosignature.origin,
          audit_store_cosignature.witness, audit_store_cosignature.line, clock_timestamp())
  ON CONFLICT DO NOTHING;
END
$$;

RESET ROLE;
