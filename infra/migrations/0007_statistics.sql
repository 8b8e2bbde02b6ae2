-- What the planner knows of a column is a sample of its values, which every login may read and no erasure reaches.
-- No query filters by details or salts, so there is nothing to know.
SET ROLE governance_tables;
ALTER TABLE public.audit_log ALTER details SET STATISTICS 0, ALTER details_salt SET STATISTICS 0;
SELECT pg_clear_attribute_stats('public', 'audit_log', 'details', false),
       pg_clear_attribute_stats('public', 'audit_log', 'details_salt', false);
RESET ROLE;
