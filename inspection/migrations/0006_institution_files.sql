-- The institution file (一院一档): one section after another, each a list of rows whose fields inspection/institution_file.py
-- names and checks. Nothing of what a section ever said is changed or removed: `institution_file_changes` holds every
-- version with who wrote it, and the row in `institution_file_sections` is the newest of them.
CREATE TABLE institution_file_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  section text NOT NULL CHECK (section IN ('identity', 'beds', 'building', 'fire_acceptance', 'licences', 'star',
    'responsibles', 'contacts', 'trainings', 'equipment')),
  version int NOT NULL CHECK (version >= 1),
  rows jsonb NOT NULL CHECK (jsonb_typeof(rows) = 'array'),  -- the whole section as it stands from now on
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,             -- 'user:NAME', or 'cli:NAME'
  person_id int REFERENCES persons,
  door text NOT NULL CHECK (door IN ('page', 'workbook')),
  UNIQUE (institution_id, section, version),
  CHECK (person_id IS NOT NULL OR actor LIKE 'cli:%')
);
CREATE INDEX institution_file_changes_newest ON institution_file_changes (institution_id, id DESC);
CREATE TRIGGER institution_file_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON institution_file_changes
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE institution_file_sections (
  institution_id int NOT NULL,
  section text NOT NULL,
  version int NOT NULL,
  rows jsonb NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  PRIMARY KEY (institution_id, section),
  FOREIGN KEY (institution_id, section, version) REFERENCES institution_file_changes (institution_id, section, version)
);

CREATE FUNCTION file_section_follows_its_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a section of a file stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (TG_OP = 'UPDATE' AND (NEW.institution_id, NEW.section) IS DISTINCT FROM (OLD.institution_id, OLD.section))
    OR NEW.version <> (CASE TG_OP WHEN 'INSERT' THEN 1 ELSE OLD.version + 1 END) OR NOT EXISTS (
      SELECT FROM institution_file_changes c WHERE c.institution_id = NEW.institution_id AND c.section = NEW.section
        AND c.version = NEW.version AND c.rows = NEW.rows AND c.actor = NEW.changed_by AND c.at = NEW.changed_at) THEN
    RAISE EXCEPTION 'a file changes by its changes only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER file_sections_follow_their_changes BEFORE INSERT OR UPDATE OR DELETE ON institution_file_sections
  FOR EACH ROW EXECUTE FUNCTION file_section_follows_its_changes();
CREATE TRIGGER file_sections_stay BEFORE TRUNCATE ON institution_file_sections
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- A change that the section does not show would leave it behind its history.
CREATE FUNCTION file_change_is_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM institution_file_sections WHERE institution_id = NEW.institution_id AND section = NEW.section
      AND version >= NEW.version) THEN
    RAISE EXCEPTION 'the file does not stand as its changes say' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER file_changes_are_folded AFTER INSERT ON institution_file_changes DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION file_change_is_folded();

-- What still keeps an institution from its fire acceptance (消防审验), each with who found it and who saw it closed. The
-- days are those on which it was found and closed; the times are those at which somebody put that on record.
CREATE TABLE fire_gaps (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  found_on date NOT NULL,
  due_on date CHECK (due_on >= found_on),
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  opened_by text NOT NULL,
  opener_id int NOT NULL REFERENCES persons,
  outcome text CHECK (outcome IN ('rectified', 'mistaken')),  -- NULL: open; mistaken: it never was one, and counts nowhere
  closed_on date CHECK (closed_on >= found_on),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  closed_at timestamptz,
  closed_by text,
  closer_id int REFERENCES persons,
  CHECK (num_nulls(outcome, closed_on, closed_at, closed_by, closer_id) IN (0, 5))
);
CREATE INDEX fire_gaps_institution ON fire_gaps (institution_id, id);

-- A gap is closed once, by somebody from outside of the institution, and stays on record as it is.
CREATE FUNCTION fire_gap_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.outcome IS NOT NULL THEN
      RAISE EXCEPTION 'a gap begins open' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.outcome IS NOT NULL OR NEW.outcome IS NULL OR
      (NEW.id, NEW.institution_id, NEW.title, NEW.found_on, NEW.due_on, NEW.opened_at, NEW.opened_by, NEW.opener_id)
      IS DISTINCT FROM
      (OLD.id, OLD.institution_id, OLD.title, OLD.found_on, OLD.due_on, OLD.opened_at, OLD.opened_by, OLD.opener_id) THEN
    RAISE EXCEPTION 'a gap stays as it is, or is closed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM persons WHERE id = NEW.closer_id AND institution_id IS NULL) THEN
    RAISE EXCEPTION 'a gap is closed from outside of the institution' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER fire_gaps_are_kept BEFORE INSERT OR UPDATE OR DELETE ON fire_gaps
  FOR EACH ROW EXECUTE FUNCTION fire_gap_is_kept();
CREATE TRIGGER fire_gaps_stay BEFORE TRUNCATE ON fire_gaps FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Sections as tables, for whoever asks across institutions: reports, the public page.
CREATE VIEW file_identity AS SELECT s.institution_id, s.version, s.changed_at, r.* FROM institution_file_sections s,
  jsonb_to_recordset(s.rows) AS r(legal_name text, credit_code text, ownership text, station_class text, opened_on date,
    address text) WHERE s.section = 'identity';
CREATE VIEW file_responsibles AS SELECT s.institution_id, s.version, s.changed_at, r.* FROM institution_file_sections s,
  jsonb_to_recordset(s.rows) AS r(duty text, name text, position text, phone text, appointed_on date, public boolean)
  WHERE s.section = 'responsibles';
