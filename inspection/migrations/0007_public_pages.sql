-- 一承诺: what the head of an institution has signed, and until when it holds. 两公开: what of an institution and of the credit
-- lists anybody may read. Nothing here is ever changed or removed: the newest row counts, and who wrote it stands in it.
-- The public counts an institution's own checks: a year of daily patrols each.
CREATE INDEX inspections_own_checks ON inspections (institution_id, concluded_at, kind) WHERE own AND state = 'concluded';

CREATE TABLE commitment_texts (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded: what is signed, word for word
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);
CREATE TRIGGER commitment_texts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commitment_texts
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE commitments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  text_id int NOT NULL REFERENCES commitment_texts,
  signed_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  signer_id int NOT NULL REFERENCES persons,
  signer_name text NOT NULL,
  actor text NOT NULL,
  open_general int NOT NULL CHECK (open_general >= 0),   -- the hazards that were not closed then, as the signer saw them
  open_major int NOT NULL CHECK (open_major >= 0),
  overdue int NOT NULL CHECK (overdue BETWEEN 0 AND open_general + open_major),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (until > signed_at AND until <= signed_at + interval '37 months'),
  CHECK (signed_at BETWEEN recorded_at - interval '5 minutes' AND recorded_at + interval '5 minutes')
);
CREATE INDEX commitments_institution ON commitments (institution_id, id DESC);
CREATE INDEX commitments_end ON commitments (until);
CREATE TRIGGER commitments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commitments
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE commitment_revocations (
  commitment_id bigint PRIMARY KEY REFERENCES commitments,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL CHECK (length(trim(reason)) BETWEEN 1 AND 500),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  outside bool NOT NULL            -- somebody who is not of the institution itself
);
CREATE TRIGGER commitment_revocations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commitment_revocations
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Whom the service has reminded that a commitment ends: once each.
CREATE TABLE commitment_reminders (
  commitment_id bigint PRIMARY KEY REFERENCES commitments,
  at timestamptz NOT NULL
);
CREATE TRIGGER commitment_reminders_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commitment_reminders
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- The acts about one institution are taken one after the other.
CREATE FUNCTION lock_public_record(institution int) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtext('public_record'), institution)
$$;

CREATE FUNCTION head_signs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_public_record(NEW.institution_id);
  IF NOT EXISTS (SELECT FROM persons WHERE id = NEW.signer_id AND active AND role = 'institution_manager'
      AND institution_id = NEW.institution_id AND name = NEW.signer_name) THEN
    RAISE EXCEPTION 'only the head of the institution signs' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER commitments_are_signed_by_the_head BEFORE INSERT ON commitments FOR EACH ROW EXECUTE FUNCTION head_signs();

CREATE FUNCTION what_holds_is_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  c commitments;
  who persons;
BEGIN
  SELECT * INTO c FROM commitments WHERE id = NEW.commitment_id;
  PERFORM lock_public_record(c.institution_id);
  SELECT * INTO who FROM persons WHERE id = NEW.person_id;
  IF NEW.outside = (who.institution_id IS NOT NULL)
      OR (NOT NEW.outside AND (who.institution_id <> c.institution_id OR who.role <> 'institution_manager')) THEN
    RAISE EXCEPTION 'the head of the institution revokes it, or somebody from outside' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.at >= c.until OR EXISTS (SELECT FROM commitments WHERE institution_id = c.institution_id AND id > c.id) THEN
    RAISE EXCEPTION 'this commitment is not in force' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER what_holds_is_revoked BEFORE INSERT ON commitment_revocations
  FOR EACH ROW EXECUTE FUNCTION what_holds_is_revoked();

-- Whether an institution shows its public page; without a row it does not.
CREATE TABLE page_publications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  published bool NOT NULL,
  note text NOT NULL CHECK (length(note) <= 500),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  outside bool NOT NULL,
  CHECK (published OR length(trim(note)) > 0)
);
CREATE INDEX page_publications_institution ON page_publications (institution_id, id DESC);
CREATE TRIGGER page_publications_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON page_publications
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION page_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  home int;
  newest page_publications;
BEGIN
  PERFORM lock_public_record(NEW.institution_id);
  SELECT institution_id INTO home FROM persons WHERE id = NEW.person_id;
  IF NEW.outside = (home IS NOT NULL) OR home <> NEW.institution_id THEN
    RAISE EXCEPTION 'the institution publishes its page, or somebody from outside' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO newest FROM page_publications WHERE institution_id = NEW.institution_id ORDER BY id DESC LIMIT 1;
  IF NEW.published = coalesce(newest.published, false) THEN
    RAISE EXCEPTION 'the page stands like this already' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.published AND newest.outside AND NOT NEW.outside THEN
    RAISE EXCEPTION 'what was taken down from outside is published from outside' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pages_are_published BEFORE INSERT ON page_publications FOR EACH ROW EXECUTE FUNCTION page_is_published();

-- Entries of the red and the black list that a bureau has made known, with the reasons the public reads.
CREATE TABLE credit_publications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entry_id uuid NOT NULL,          -- of credit_entries, which a later file makes: the trigger below asks for it
  published bool NOT NULL,
  words_zh text NOT NULL CHECK (length(words_zh) <= 300),   -- what the public reads
  words_en text NOT NULL CHECK (length(words_en) <= 300),
  note text NOT NULL CHECK (length(note) <= 500),           -- why it was taken down: not public
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  CHECK (published = (length(trim(words_zh)) > 0) AND (published OR words_en = '') AND (published OR length(trim(note)) > 0))
);
CREATE INDEX credit_publications_entry ON credit_publications (entry_id, id DESC);
CREATE TRIGGER credit_publications_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_publications
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION credit_entry_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  c record;
BEGIN
  SELECT * INTO c FROM credit_entries WHERE id = NEW.entry_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such entry' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM persons WHERE id = NEW.person_id AND institution_id IS NULL) THEN
    RAISE EXCEPTION 'the bureau makes an entry known' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.published AND (c.kind NOT IN ('red', 'black') OR c.state NOT IN ('listed', 'contested')) THEN
    RAISE EXCEPTION 'only who is on the red or black list is made known' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.published = coalesce((SELECT published FROM credit_publications WHERE entry_id = NEW.entry_id ORDER BY id DESC LIMIT 1), false) THEN
    RAISE EXCEPTION 'the entry stands like this already' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER credit_entries_are_published BEFORE INSERT ON credit_publications
  FOR EACH ROW EXECUTE FUNCTION credit_entry_is_published();
