-- Cosignatures of witnesses on signed checkpoints (docs/FORMATS.md, "Checkpoint").
SET ROLE governance_tables;

CREATE TABLE public.audit_cosignatures (
  size       bigint      NOT NULL CHECK (size >= 0),
  root       bytea       NOT NULL CHECK (octet_length(root) = 32),
  origin     text        NOT NULL CHECK (char_length(origin) BETWEEN 1 AND 200),
  witness    text        NOT NULL CHECK (char_length(witness) BETWEEN 1 AND 500),
  -- A signature line of a note, without its LF.
  line       text        NOT NULL CHECK (octet_length(line) <= 1000 AND line LIKE '— %' AND line !~ '[\x01-\x1f]'),
  created_at timestamptz NOT NULL,
  -- In this order: what is asked for is the newest of a witness.
  PRIMARY KEY (origin, witness, size)
);
COMMENT ON TABLE public.audit_cosignatures IS
  'What witnesses signed of our checkpoints, one line for each witness and size; the first one stays';
COMMENT ON COLUMN public.audit_cosignatures.witness IS 'The verifier key of the witness';

CREATE TRIGGER audit_cosignatures_append_only BEFORE UPDATE OR DELETE ON public.audit_cosignatures
  FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER audit_cosignatures_no_truncate BEFORE TRUNCATE ON public.audit_cosignatures
  FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE FUNCTION public.audit_store_cosignature(size bigint, root bytea, origin text, witness text, line text)
  RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
  INSERT INTO public.audit_cosignatures (size, root, origin, witness, line, created_at)
  VALUES (audit_store_cosignature.size, audit_store_cosignature.root, audit_store_cosignature.origin,
          audit_store_cosignature.witness, audit_store_cosignature.line, clock_timestamp())
  ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION public.audit_store_cosignature IS 'Keeps what a witness signed of a checkpoint';

RESET ROLE;

GRANT SELECT ON public.audit_cosignatures TO audit_service;
GRANT EXECUTE ON FUNCTION public.audit_store_cosignature TO audit_service;
