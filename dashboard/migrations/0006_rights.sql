-- Who read personal data (docs/security.md): residents who cannot walk, contacts, institution files, documents, photos.
-- Written in the transaction that reads, or nothing is read. Never changed; removed after three years, and not before.
CREATE TABLE personal_reads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  person_id int NOT NULL REFERENCES persons,
  actor text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('residents', 'contacts', 'file', 'file_export', 'document', 'photo', 'relations',
                                     'audit_export')),
  subject text NOT NULL,           -- what of it: 'institution:12', 'document:UUID', 'hazard:UUID', 'scope:2203'
  institution_id int REFERENCES institutions,   -- whose; NULL where a list runs over several
  address text NOT NULL,           -- where the request came from
  reason text NOT NULL CHECK (length(reason) <= 200)   -- where one was asked for
);
CREATE INDEX personal_reads_fold ON personal_reads (person_id, kind, subject, at DESC);
CREATE INDEX personal_reads_time ON personal_reads (at DESC, id DESC);
CREATE INDEX personal_reads_institution ON personal_reads (institution_id, at DESC, id DESC);
CREATE TRIGGER personal_reads_append_only BEFORE UPDATE OR TRUNCATE ON personal_reads
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE FUNCTION personal_read_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.at > clock_timestamp() - interval '3 years' THEN
    RAISE EXCEPTION 'personal_reads is kept for three years' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER personal_reads_are_kept BEFORE DELETE ON personal_reads
  FOR EACH ROW EXECUTE FUNCTION personal_read_is_kept();

-- The audit trail asks both logs by time.
CREATE INDEX acts_time ON acts (at DESC, id DESC);
CREATE INDEX acts_institution ON acts (institution_id, at DESC, id DESC);
CREATE INDEX alert_events_by_people ON alert_events (recorded_at DESC, id DESC) WHERE rule IS NULL;

-- Row-level security (docs/decisions/0018-row-level-security.md). Signing in itself, and whose a session is, comes before
-- anybody's reach is known: the service looks those up as the owner.
SELECT reach_guard('users', '(SELECT reach_all()) OR EXISTS (SELECT FROM persons p WHERE p.id = users.person_id
  AND (p.institution_id IS NOT NULL OR starts_with(p.region, (SELECT reach_region()))))');
SELECT reach_guard_child(tbl, 'user_id', 'users')
  FROM unnest(ARRAY['sessions', 'second_factors', 'recovery_codes', 'access_tokens', 'identities']::regclass[]) tbl;
SELECT reach_guard('personal_reads', '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions)
    OR (institution_id IS NULL AND actor = (SELECT current_setting(''anhu.actor'', true)))',
  '((SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions) OR (institution_id IS NULL AND (SELECT reach_any())))
    AND actor = (SELECT current_setting(''anhu.actor'', true))');
SELECT reach_settle();
