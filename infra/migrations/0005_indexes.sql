-- What the filters of GET /events read by. Each costs every append, so only what a scan would not find soon has one:
-- moments are found by halving (audit_last_id_before), and actors are few, so that the newest entries of one are near the end.
SET ROLE governance_tables;
CREATE INDEX audit_log_by_subject ON public.audit_log (subject, id);
CREATE INDEX audit_log_by_type ON public.audit_log (event_type, id);
RESET ROLE;
