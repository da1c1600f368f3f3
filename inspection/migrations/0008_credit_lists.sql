-- Red, watch and black list (红名单、重点关注名单、黑名单). As with hazards nothing of the events is ever changed or removed, the
-- row in `credit_entries` is their fold (inspection/credit_list.py), and the triggers keep every door to the same steps:
-- nobody is listed without a person's decision, a notice that was delivered, and a window to object.
CREATE TABLE credit_criteria (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);
CREATE TRIGGER credit_criteria_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_criteria
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE credit_entries (
  id uuid PRIMARY KEY,
  no bigint UNIQUE,                -- given with the notice: a gap would tell of a proposal
  institution_id int NOT NULL REFERENCES institutions,
  kind text NOT NULL CHECK (kind IN ('red', 'watch', 'black')),
  criterion text,                  -- NULL: a person's own grounds
  reason text NOT NULL CHECK (length(reason) <= 2000),
  grounds text[] NOT NULL,         -- the ratings and records it rests on
  state text NOT NULL CHECK (state IN ('proposed', 'notified', 'delivered', 'appealed', 'listed', 'contested', 'removed', 'dropped')),
  version int NOT NULL,            -- how many events it has folded
  changed_at timestamptz NOT NULL,
  proposed_at timestamptz NOT NULL,
  proposed_by text NOT NULL,
  handlers int[] NOT NULL,         -- who has had a part in the listing
  judges int[] NOT NULL,           -- who has decided an objection
  term_months int CHECK (term_months BETWEEN 1 AND 120),
  appeal_days int CHECK (appeal_days BETWEEN 1 AND 366),
  repair_after_months int CHECK (repair_after_months BETWEEN 1 AND 120),
  inspections_per_year real CHECK (inspections_per_year >= 0),
  risk_factor real CHECK (risk_factor > 0),
  notified_at timestamptz,
  delivered_at timestamptz,
  delivery text CHECK (delivery IN ('in_person', 'post', 'electronic', 'left')),
  appeal_until timestamptz,
  appealed_at timestamptz,
  appeal_rejected_at timestamptz,
  listed_at timestamptz,
  until timestamptz,
  until_before timestamptz,        -- the end of the term before the newest breach moved it
  repair_asked_at timestamptz,
  ended_at timestamptz,
  "end" text CHECK ("end" IN ('decision', 'appeal', 'term', 'repair', 'revoked')),
  CHECK ((notified_at IS NULL) = (no IS NULL)),
  CHECK ((notified_at IS NULL) = (term_months IS NULL)),
  CHECK ((notified_at IS NULL) = (appeal_days IS NULL)),
  CHECK ((notified_at IS NULL) = (inspections_per_year IS NULL)),
  CHECK ((notified_at IS NULL) = (risk_factor IS NULL)),
  CHECK ((delivered_at IS NULL) = (delivery IS NULL)),
  CHECK ((delivered_at IS NULL) = (appeal_until IS NULL)),
  CHECK (state NOT IN ('notified', 'delivered', 'appealed', 'listed', 'contested', 'removed') OR notified_at IS NOT NULL),
  CHECK (state NOT IN ('delivered', 'appealed', 'listed', 'contested', 'removed') OR delivered_at IS NOT NULL),
  CHECK ((state IN ('appealed', 'contested')) = (appealed_at IS NOT NULL) OR state IN ('removed', 'dropped')),
  CHECK ((state IN ('listed', 'contested', 'removed')) = (listed_at IS NOT NULL)),
  CHECK ((listed_at IS NULL) = (until IS NULL)),
  CHECK ((state IN ('removed', 'dropped')) = (ended_at IS NOT NULL)),
  CHECK ((ended_at IS NULL) = ("end" IS NULL)),
  CHECK (until_before IS NULL OR until > until_before),
  CHECK (kind <> 'red' OR (until_before IS NULL AND repair_asked_at IS NULL)),
  CHECK ("end" IS DISTINCT FROM 'revoked' OR kind = 'red')
);
CREATE SEQUENCE credit_entry_numbers;
-- An institution has at most one open entry of a list, whatever raced.
CREATE UNIQUE INDEX credit_entries_one_open ON credit_entries (institution_id, kind) WHERE state NOT IN ('removed', 'dropped');
CREATE INDEX credit_entries_institution ON credit_entries (institution_id, proposed_at DESC);
CREATE INDEX credit_entries_list ON credit_entries (proposed_at DESC, id);
CREATE INDEX credit_entries_term ON credit_entries (until) WHERE state IN ('listed', 'contested');

CREATE TABLE credit_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  entry_id uuid NOT NULL REFERENCES credit_entries DEFERRABLE INITIALLY DEFERRED,
  seq int NOT NULL CHECK (seq >= 1),
  verb text NOT NULL CHECK (verb IN ('propose', 'drop', 'notify', 'deliver', 'appeal', 'grant_appeal', 'reject_appeal', 'list', 'prolong',
                                     'ask_repair', 'refuse_repair', 'remove', 'revoke')),
  at timestamptz NOT NULL CHECK (at <= recorded_at + interval '5 minutes'),  -- a term does not end ahead of its time
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int REFERENCES persons,
  outside bool NOT NULL,
  note text NOT NULL CHECK (length(note) <= 2000),
  body jsonb NOT NULL,
  UNIQUE (entry_id, seq),
  -- every act names its person; only what the nightly rating does by itself has none
  CHECK (person_id IS NOT NULL OR (actor = 'policy' AND verb IN ('propose', 'prolong', 'remove'))),
  CHECK (verb <> 'prolong' OR person_id IS NULL),
  CHECK (verb <> 'remove' OR (body ->> 'end') = CASE WHEN person_id IS NULL THEN 'term' ELSE 'repair' END),
  CHECK (verb <> 'propose' OR person_id IS NOT NULL OR (body ->> 'criterion' IS NOT NULL AND jsonb_array_length(body -> 'grounds') > 0)),
  CHECK (person_id IS NULL OR verb IN ('notify', 'deliver', 'list') OR length(trim(note)) > 0)
);
CREATE TRIGGER credit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_events
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Calendar and days are those of China.
CREATE FUNCTION credit_months(at timestamptz, months int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT (at AT TIME ZONE 'Asia/Shanghai' + make_interval(months => months)) AT TIME ZONE 'Asia/Shanghai'
$$;
CREATE FUNCTION credit_window(at timestamptz, days int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT (date_trunc('day', at AT TIME ZONE 'Asia/Shanghai') + make_interval(days => days + 1)) AT TIME ZONE 'Asia/Shanghai'
$$;

-- The only steps there are. NULL: none. `prolonged`: the objection is about a prolongation.
CREATE FUNCTION credit_step(state text, verb text, prolonged bool) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN state = 'proposed' AND verb = 'notify' THEN 'notified'
    WHEN state = 'notified' AND verb = 'deliver' THEN 'delivered'
    WHEN state IN ('proposed', 'notified', 'delivered') AND verb = 'drop' THEN 'dropped'
    WHEN state = 'delivered' AND verb = 'appeal' THEN 'appealed'
    WHEN state = 'delivered' AND verb = 'list' THEN 'listed'
    WHEN state = 'appealed' AND verb = 'reject_appeal' THEN 'delivered'
    WHEN state = 'appealed' AND verb = 'grant_appeal' THEN 'dropped'
    WHEN state = 'listed' AND verb = 'appeal' THEN 'contested'
    WHEN state = 'listed' AND verb IN ('prolong', 'ask_repair', 'refuse_repair') THEN 'listed'
    WHEN state IN ('listed', 'contested') AND verb = 'remove' THEN 'removed'
    WHEN state = 'listed' AND verb = 'revoke' THEN 'removed'
    WHEN state = 'contested' AND verb = 'reject_appeal' THEN 'listed'
    WHEN state = 'contested' AND verb = 'grant_appeal' THEN CASE WHEN prolonged THEN 'listed' ELSE 'removed' END
  END
$$;

CREATE FUNCTION credit_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  c credit_entries;
  home int;
BEGIN
  SELECT institution_id INTO home FROM persons WHERE id = NEW.person_id;
  IF NEW.outside = (home IS NOT NULL) THEN
    RAISE EXCEPTION 'where this person is from is said wrongly' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO c FROM credit_entries WHERE id = NEW.entry_id FOR UPDATE;
  IF NOT FOUND THEN
    IF NEW.verb <> 'propose' OR NEW.seq <> 1 OR NOT NEW.outside THEN
      RAISE EXCEPTION 'an entry begins with a proposal from outside' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.seq <> c.version + 1 OR NEW.at < c.changed_at OR credit_step(c.state, NEW.verb, c.until_before IS NOT NULL) IS NULL THEN
    RAISE EXCEPTION 'an entry that is % at version % does not allow % as number %', c.state, c.version, NEW.verb, NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb IN ('appeal', 'ask_repair') THEN
    IF home IS DISTINCT FROM c.institution_id THEN
      RAISE EXCEPTION 'only the institution itself can ask for this' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  ELSIF NOT NEW.outside THEN
    RAISE EXCEPTION 'somebody from outside the institution has to do this' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'appeal' AND (NEW.at >= c.appeal_until OR c.appeal_rejected_at IS NOT NULL) THEN
    RAISE EXCEPTION 'the time to object is over' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb IN ('grant_appeal', 'reject_appeal') AND NEW.person_id = ANY (c.handlers) THEN
    RAISE EXCEPTION 'who has had a part in the listing cannot decide on the objection' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'list' AND ((NEW.at < c.appeal_until AND c.appeal_rejected_at IS NULL) OR NEW.person_id = ANY (c.judges)) THEN
    RAISE EXCEPTION 'the institution may still object, or this person has decided on its objection'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'list' AND c.kind = 'red' AND EXISTS (SELECT FROM credit_entries WHERE institution_id = c.institution_id
      AND kind <> 'red' AND state IN ('listed', 'contested')) THEN
    RAISE EXCEPTION 'the institution is on the watch or black list' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'deliver' AND NOT (NEW.body ->> 'delivered_at')::timestamptz BETWEEN c.notified_at AND NEW.at THEN
    RAISE EXCEPTION 'a notice is delivered after it was issued' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'prolong' AND (c.kind = 'red' OR (NEW.body ->> 'breach_at')::timestamptz NOT BETWEEN c.listed_at AND NEW.at
      OR credit_months((NEW.body ->> 'breach_at')::timestamptz, c.term_months) <= c.until) THEN
    RAISE EXCEPTION 'a new breach lies after the listing' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'ask_repair' AND (c.repair_asked_at IS NOT NULL OR c.repair_after_months IS NULL
      OR NEW.at < credit_months(c.until, c.repair_after_months - c.term_months)) THEN
    RAISE EXCEPTION 'this may not be asked for now' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (NEW.verb = 'refuse_repair' OR (NEW.verb = 'remove' AND NEW.person_id IS NOT NULL))
      AND (c.repair_asked_at IS NULL OR c.state <> 'listed') THEN
    RAISE EXCEPTION 'the institution has not asked for it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'remove' AND NEW.person_id IS NULL AND NEW.at < c.until THEN
    RAISE EXCEPTION 'the term has not ended yet' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'revoke' AND c.kind <> 'red' THEN
    RAISE EXCEPTION 'only a place on the red list is revoked' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER credit_events_are_steps BEFORE INSERT ON credit_events
  FOR EACH ROW EXECUTE FUNCTION credit_event_is_a_step();

CREATE FUNCTION credit_event_is_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM credit_entries WHERE id = NEW.entry_id AND version >= NEW.seq) THEN
    RAISE EXCEPTION 'the entry does not stand as its events say' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER credit_events_are_folded AFTER INSERT ON credit_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION credit_event_is_folded();

-- The row is what its newest event makes of the row before.
CREATE FUNCTION credit_entry_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e credit_events;
  w credit_entries;                -- what the row has to be
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an entry stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO e FROM credit_events WHERE entry_id = NEW.id AND seq = NEW.version;
  IF TG_OP = 'INSERT' THEN
    IF NEW.version <> 1 OR NEW.state <> 'proposed' OR e.verb IS DISTINCT FROM 'propose' OR NEW.judges <> '{}'
      OR NEW.handlers IS DISTINCT FROM (CASE WHEN e.person_id IS NULL THEN '{}' ELSE ARRAY[e.person_id] END)
      OR NEW.notified_at IS NOT NULL OR NEW.appeal_rejected_at IS NOT NULL OR NEW.until_before IS NOT NULL
      OR NEW.repair_asked_at IS NOT NULL
      OR (NEW.kind, NEW.institution_id::text, NEW.criterion, NEW.reason, NEW.proposed_at, NEW.changed_at, NEW.proposed_by)
         IS DISTINCT FROM
         (e.body ->> 'kind', e.body ->> 'institution_id', e.body ->> 'criterion', e.note, e.at, e.at, e.actor) THEN
      RAISE EXCEPTION 'an entry begins with a proposal' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF e.id IS NULL OR NEW.version <> OLD.version + 1 THEN
    RAISE EXCEPTION 'an entry changes by its events only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  w := OLD;
  w.version := NEW.version;
  w.changed_at := e.at;
  w.state := credit_step(OLD.state, e.verb, OLD.until_before IS NOT NULL);
  IF e.verb IN ('notify', 'deliver', 'list', 'drop') AND e.person_id <> ALL (OLD.handlers) THEN
    w.handlers := OLD.handlers || e.person_id;
  END IF;
  IF e.verb IN ('grant_appeal', 'reject_appeal') THEN
    w.appealed_at := NULL;
    IF e.person_id <> ALL (OLD.judges) THEN
      w.judges := OLD.judges || e.person_id;
    END IF;
  END IF;
  CASE e.verb
    WHEN 'notify' THEN
      w.no := NEW.no;
      w.notified_at := e.at;
      w.term_months := (e.body ->> 'term_months')::int;
      w.appeal_days := (e.body ->> 'appeal_days')::int;
      w.repair_after_months := (e.body ->> 'repair_after_months')::int;
      w.inspections_per_year := (e.body ->> 'inspections_per_year')::real;
      w.risk_factor := (e.body ->> 'risk_factor')::real;
    WHEN 'deliver' THEN
      w.delivered_at := (e.body ->> 'delivered_at')::timestamptz;
      w.delivery := e.body ->> 'delivery';
      w.appeal_until := credit_window(w.delivered_at, OLD.appeal_days);
    WHEN 'appeal' THEN
      w.appealed_at := e.at;
    WHEN 'reject_appeal' THEN
      w.appeal_rejected_at := e.at;
    WHEN 'grant_appeal' THEN
      IF OLD.until_before IS NOT NULL THEN
        w.until := OLD.until_before;
        w.until_before := NULL;
        w.appeal_until := e.at;
      ELSE
        w.ended_at := e.at;
        w."end" := 'appeal';
      END IF;
    WHEN 'list' THEN
      w.listed_at := e.at;
      w.until := credit_months(e.at, OLD.term_months);
      w.appeal_until := credit_window(e.at, OLD.appeal_days);
      w.appeal_rejected_at := NULL;
    WHEN 'prolong' THEN
      w.until := credit_months((e.body ->> 'breach_at')::timestamptz, OLD.term_months);
      w.until_before := OLD.until;
      w.appeal_until := credit_window(e.at, OLD.appeal_days);
      w.appeal_rejected_at := NULL;
      w.repair_asked_at := NULL;
      w.grounds := NEW.grounds;
      IF NOT NEW.grounds @> OLD.grounds OR NEW.grounds <@ OLD.grounds THEN
        RAISE EXCEPTION 'a prolongation rests on something new' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
    WHEN 'ask_repair' THEN
      w.repair_asked_at := e.at;
    WHEN 'refuse_repair' THEN
      w.repair_asked_at := NULL;
    WHEN 'drop' THEN
      w.ended_at := e.at;
      w."end" := 'decision';
    WHEN 'remove' THEN
      w.ended_at := e.at;
      w."end" := e.body ->> 'end';
    WHEN 'revoke' THEN
      w.ended_at := e.at;
      w."end" := 'revoked';
  END CASE;
  IF NEW IS DISTINCT FROM w THEN
    RAISE EXCEPTION 'the event % does not make this of the entry', e.verb USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER credit_entries_follow_their_events BEFORE INSERT OR UPDATE OR DELETE ON credit_entries
  FOR EACH ROW EXECUTE FUNCTION credit_entry_follows_its_events();
CREATE TRIGGER credit_entries_stay BEFORE TRUNCATE ON credit_entries FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Which nights' ratings have been looked through for proposals.
CREATE TABLE credit_nights (
  run_id bigint PRIMARY KEY REFERENCES rating_runs,
  criteria_id int NOT NULL REFERENCES credit_criteria,
  proposed int NOT NULL,
  prolonged int NOT NULL,
  judged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER credit_nights_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_nights
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Files of an objection are photos as those of hazards are.
ALTER TABLE hazard_photos ADD COLUMN credit_entry_id uuid REFERENCES credit_entries;
ALTER TABLE hazard_photos ADD COLUMN credit_seq int;
ALTER TABLE hazard_photos ADD CHECK ((credit_entry_id IS NULL) = (credit_seq IS NULL));
ALTER TABLE hazard_photos ADD CHECK (credit_entry_id IS NULL OR (hazard_id IS NULL AND inspection_id IS NULL));
CREATE INDEX hazard_photos_credit ON hazard_photos (credit_entry_id, credit_seq) WHERE credit_entry_id IS NOT NULL;
CREATE FUNCTION credit_photo_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.credit_entry_id IS NOT NULL THEN
    RAISE EXCEPTION 'a photo that is evidence stays as it is' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER credit_photos_are_kept BEFORE UPDATE OR DELETE ON hazard_photos
  FOR EACH ROW EXECUTE FUNCTION credit_photo_is_kept();

-- What the random draw and the list of due visits need: the weight of the grade times the factor of the worst list the
-- institution is on, and the visits a year of its grade, raised by a watch or black list and lowered by a red one.
CREATE OR REPLACE VIEW institution_risk AS
  SELECT i.id AS institution_id, r.grade, r.as_of AS rated_at,
         coalesce(r.risk_weight, 1)::double precision * coalesce(l.risk_factor, 1)::double precision AS risk_weight,
         CASE l.kind WHEN 'red' THEN least(r.inspections_per_year, l.inspections_per_year)
           ELSE greatest(r.inspections_per_year, l.inspections_per_year) END AS inspections_per_year,
         coalesce(r.risk_weight, 1)::double precision AS grade_weight, r.inspections_per_year AS grade_inspections_per_year,
         l.kind AS list_kind, coalesce(l.risk_factor, 1)::double precision AS list_factor
  FROM institutions i LEFT JOIN LATERAL (
    SELECT grade, as_of, risk_weight, inspections_per_year FROM ratings WHERE institution_id = i.id
    ORDER BY as_of DESC, run_id DESC LIMIT 1) r ON true
  LEFT JOIN LATERAL (
    SELECT kind, risk_factor, inspections_per_year FROM credit_entries
    WHERE institution_id = i.id AND state IN ('listed', 'contested')
    ORDER BY array_position(ARRAY['black', 'watch', 'red'], kind) LIMIT 1) l ON true;
