-- What GET /models and `at` of GET /lineage read by. Found by scanning, either took seconds at a million records.
SET ROLE governance_tables;

CREATE TABLE public.lineage_latest (
  model_id  text   PRIMARY KEY,
  record_id bigint NOT NULL UNIQUE
);
COMMENT ON TABLE public.lineage_latest IS
  'The latest record of each model, so that they can be listed; follows model_lineage, and is held against it by GET /verify';
INSERT INTO public.lineage_latest (model_id, record_id)
SELECT l.model_id, max(l.id) FROM public.model_lineage AS l GROUP BY l.model_id;

CREATE FUNCTION public.lineage_follow_latest() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  INSERT INTO public.lineage_latest AS known (model_id, record_id)
  SELECT n.model_id, max(n.id) FROM new_rows AS n GROUP BY n.model_id
      ON CONFLICT (model_id) DO UPDATE SET record_id = greatest(known.record_id, excluded.record_id);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.lineage_follow_latest IS 'Trigger: lineage_latest names the newest record of each model';
CREATE TRIGGER model_lineage_follow_latest AFTER INSERT ON public.model_lineage
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.lineage_follow_latest();

-- It only goes forward. Guards against accidents, as those of the other tables are.
CREATE TRIGGER lineage_latest_forward BEFORE UPDATE ON public.lineage_latest
  FOR EACH ROW WHEN (NEW.record_id < OLD.record_id OR NEW.model_id <> OLD.model_id)
  EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER lineage_latest_no_delete BEFORE DELETE ON public.lineage_latest
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER lineage_latest_no_truncate BEFORE TRUNCATE ON public.lineage_latest
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

-- Records are in the order of their time, as entries are (audit_last_id_before).
CREATE FUNCTION public.lineage_last_id_at(moment timestamptz) RETURNS bigint
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  low  bigint := 0;
  high bigint := (SELECT coalesce(max(l.id), 0) FROM public.model_lineage AS l);
  mid  bigint;
BEGIN
  WHILE low < high LOOP
    mid := (low + high + 1) / 2;
    IF (SELECT l.created_at <= moment FROM public.model_lineage AS l WHERE l.id = mid) THEN low := mid;
    ELSE high := mid - 1;
    END IF;
  END LOOP;
  RETURN low;
END
$$;
COMMENT ON FUNCTION public.lineage_last_id_at IS 'The last record that was there at a moment, 0 if none was';

RESET ROLE;

GRANT SELECT ON public.lineage_latest TO lineage_service;
GRANT EXECUTE ON FUNCTION public.lineage_last_id_at TO lineage_service;
