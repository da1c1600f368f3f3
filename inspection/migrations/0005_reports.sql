-- What a supervisor signed of the monthly ledger (月调度表): the content itself, word for word, and who signed it when.
-- Nothing of it is ever changed: where the facts change afterwards, the report differs from what was signed and says so,
-- and a new signature is a new version.
CREATE TABLE report_versions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('ledger')),
  first_day date NOT NULL,
  last_day date NOT NULL CHECK (last_day >= first_day),
  institution_id int REFERENCES institutions,
  region text NOT NULL CHECK (region ~ '^([0-9]{2}){0,3}$'),   -- whose; '' with no institution: everywhere
  version int NOT NULL CHECK (version >= 1),
  sha256 bytea NOT NULL CHECK (sha256 = sha256(convert_to(content, 'UTF8'))),
  content text NOT NULL,           -- canonical JSON (inspection/report_ledger.py)
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (institution_id IS NULL OR region = '')
);
CREATE UNIQUE INDEX report_versions_series ON report_versions (kind, first_day, last_day, region, coalesce(institution_id, 0), version);

CREATE TABLE report_signatures (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version_id bigint NOT NULL REFERENCES report_versions,
  person_id int NOT NULL REFERENCES persons,
  name text NOT NULL,              -- as they were called then
  actor text NOT NULL,
  note text NOT NULL CHECK (length(note) <= 500),
  signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (version_id, person_id)
);

CREATE FUNCTION report_version_is_the_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest report_versions;
BEGIN
  SELECT * INTO newest FROM report_versions v WHERE v.kind = NEW.kind AND v.first_day = NEW.first_day AND v.last_day = NEW.last_day
    AND v.region = NEW.region AND v.institution_id IS NOT DISTINCT FROM NEW.institution_id ORDER BY v.version DESC LIMIT 1;
  IF NEW.version <> coalesce(newest.version, 0) + 1 OR NEW.sha256 = newest.sha256 THEN
    RAISE EXCEPTION 'a version follows the one before it, and differs from it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER report_versions_follow BEFORE INSERT ON report_versions FOR EACH ROW EXECUTE FUNCTION report_version_is_the_next();
CREATE TRIGGER report_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON report_versions
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION report_signature_is_of_the_newest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  signed report_versions;
BEGIN
  SELECT * INTO signed FROM report_versions WHERE id = NEW.version_id;
  IF EXISTS (SELECT FROM report_versions v WHERE v.kind = signed.kind AND v.first_day = signed.first_day
      AND v.last_day = signed.last_day AND v.region = signed.region
      AND v.institution_id IS NOT DISTINCT FROM signed.institution_id AND v.version > signed.version) THEN
    RAISE EXCEPTION 'only the newest version is signed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER report_signatures_of_the_newest BEFORE INSERT ON report_signatures
  FOR EACH ROW EXECUTE FUNCTION report_signature_is_of_the_newest();
CREATE TRIGGER report_signatures_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON report_signatures
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- A version that nobody signs is none.
CREATE FUNCTION report_version_is_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM report_signatures WHERE version_id = NEW.id) THEN
    RAISE EXCEPTION 'a version is kept because somebody signs it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER report_versions_are_signed AFTER INSERT ON report_versions DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION report_version_is_signed();

-- Machines that take the export (a province's platform): what each may read, and the SHA-256 of its token.
CREATE TABLE service_accounts (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  institution_id int REFERENCES institutions,
  region text NOT NULL CHECK (region ~ '^([0-9]{2}){0,3}$'),
  collections text[] NOT NULL CHECK (collections <@ ARRAY['alerts', 'hazards', 'ratings'] AND cardinality(collections) >= 1),
  token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by text NOT NULL,
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  CHECK (institution_id IS NULL OR region = ''),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX service_accounts_name ON service_accounts (name) WHERE revoked_at IS NULL;

-- An account never reaches further than it did, and once revoked it stays so.
CREATE FUNCTION service_account_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (OLD.revoked_at IS NOT NULL AND (NEW.revoked_at, NEW.revoked_by) IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by))
    OR (NEW.id, NEW.name, NEW.institution_id, NEW.region, NEW.collections, NEW.token_sha256, NEW.created_at, NEW.created_by,
        NEW.expires_at) IS DISTINCT FROM
       (OLD.id, OLD.name, OLD.institution_id, OLD.region, OLD.collections, OLD.token_sha256, OLD.created_at, OLD.created_by,
        OLD.expires_at) THEN
    RAISE EXCEPTION 'a service account stays as it is, or is revoked' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER service_accounts_are_fixed BEFORE UPDATE OR DELETE ON service_accounts
  FOR EACH ROW EXECUTE FUNCTION service_account_is_fixed();
CREATE TRIGGER service_accounts_stay BEFORE TRUNCATE ON service_accounts
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- What the reports ask for by time.
CREATE INDEX hazards_reported ON hazards (reported_at);
CREATE INDEX hazards_closed ON hazards (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX hazard_events_at ON hazard_events (at);
CREATE INDEX inspections_begun ON inspections (begun_at) WHERE begun_at IS NOT NULL;
