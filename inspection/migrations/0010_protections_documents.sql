-- The nine protections of GB 38600 (九项防护) have no records of their own: what concluded inspections answered of the
-- checklist is the record (inspection/protection.py). Only the policy is new, and a way to find the answers.
CREATE TABLE protection_policies (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);
CREATE TRIGGER protection_policies_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON protection_policies
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE INDEX inspection_items_protections ON inspection_items (inspection_id) WHERE checklist_id = 'gb38600-protections';

-- Documents and photos of the institution file (一院一档). A document is its events: added, replaced any number of times,
-- perhaps removed. Each version stays with who put it there; what was removed is no longer part of the file, and stays on
-- record with the reason.
CREATE TABLE institution_document_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  document_id uuid NOT NULL,
  seq int NOT NULL CHECK (seq >= 1),
  verb text NOT NULL CHECK (verb IN ('add', 'replace', 'remove')),
  institution_id int NOT NULL REFERENCES institutions,
  section text NOT NULL CHECK (section IN ('identity', 'beds', 'building', 'fire_acceptance', 'licences', 'star',
    'responsibles', 'contacts', 'trainings', 'equipment', 'plans', 'drills', 'general')),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
  type text CHECK (type IN ('pdf', 'docx', 'xlsx', 'pptx', 'ofd', 'photo')),
  sha256 bytea CHECK (length(sha256) = 32),
  content bytea CHECK (length(content) BETWEEN 1 AND 16777216),
  size_bytes int,                  -- of the content, so that a list need not read it
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  UNIQUE (document_id, seq),
  CHECK ((verb = 'add') = (seq = 1)),
  CHECK ((verb = 'remove') = (content IS NULL) AND (verb = 'remove') <= (reason <> '')),
  CHECK (num_nulls(type, sha256, content, size_bytes) IN (0, 4)),
  CHECK (content IS NULL OR (sha256(content) = sha256 AND length(content) = size_bytes))
);
ALTER TABLE institution_document_events ALTER COLUMN content SET STORAGE EXTERNAL;  -- every type is compressed already
CREATE INDEX institution_document_events_place ON institution_document_events (institution_id, document_id, seq DESC);
CREATE TRIGGER institution_document_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON institution_document_events
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION institution_document_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before institution_document_events;
BEGIN
  IF EXISTS (SELECT FROM persons WHERE id = NEW.person_id AND institution_id <> NEW.institution_id) THEN
    RAISE EXCEPTION 'this person is of another institution' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.seq > 1 THEN
    SELECT * INTO before FROM institution_document_events WHERE document_id = NEW.document_id AND seq = NEW.seq - 1;
    IF before.id IS NULL OR before.verb = 'remove' OR (before.institution_id, before.section) <> (NEW.institution_id, NEW.section) THEN
      RAISE EXCEPTION 'this does not follow on what the document is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER institution_document_events_are_steps BEFORE INSERT ON institution_document_events
  FOR EACH ROW EXECUTE FUNCTION institution_document_event_is_a_step();
