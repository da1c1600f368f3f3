-- Inspections (检查), campaigns (专项行动) and random draws (双随机). As with hazards nothing of the events is ever changed or
-- removed, each row is the fold of its events (inspection/visit.py, inspection/draw_record.py), and the triggers keep every
-- door to the same steps.
CREATE TABLE campaigns (
  id uuid PRIMARY KEY,
  no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  theme text NOT NULL CHECK (length(theme) BETWEEN 1 AND 200),
  goal text NOT NULL CHECK (length(goal) <= 2000),
  region text NOT NULL CHECK (region ~ '^([0-9]{2}){0,3}$'),   -- whose institutions it is about
  begins_on date NOT NULL,
  ends_on date NOT NULL CHECK (ends_on >= begins_on),
  checklists text[] NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  creator_id int NOT NULL REFERENCES persons
);
CREATE TRIGGER campaigns_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON campaigns
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- What stands between an inspector and an institution (回避), as they declared it. It is ended, never removed.
CREATE TABLE inspector_relations (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id int NOT NULL REFERENCES persons,
  institution_id int NOT NULL REFERENCES institutions,
  relation text NOT NULL CHECK (relation IN ('home', 'family', 'interest', 'other')),
  note text NOT NULL CHECK (length(note) <= 500),
  declared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  declared_by text NOT NULL,
  ended_at timestamptz,
  ended_by text,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX inspector_relations_current ON inspector_relations (person_id, institution_id, relation) WHERE ended_at IS NULL;

CREATE TABLE draws (
  id uuid PRIMARY KEY,
  no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  region text NOT NULL CHECK (region ~ '^([0-9]{2}){0,3}$'),
  campaign_id uuid REFERENCES campaigns,
  planned_for date NOT NULL,
  checklists text[] NOT NULL,
  state text NOT NULL CHECK (state IN ('announced', 'drawn', 'published', 'void')),
  version int NOT NULL,
  register jsonb NOT NULL,         -- who and what may be drawn, with weights: what register_sha256 is of
  grounds jsonb NOT NULL,          -- why: the facts behind weights and exclusions; never public
  seed_sha256 bytea NOT NULL CHECK (length(seed_sha256) = 32),
  register_sha256 bytea NOT NULL CHECK (length(register_sha256) = 32),
  announced_at timestamptz NOT NULL,
  announced_by text NOT NULL,
  drawn_at timestamptz,
  drawn_by text,
  word text,                       -- said by a witness after the announcement
  result jsonb,
  published_at timestamptz,
  published_by text,
  seed bytea,                      -- public from here on
  void_at timestamptz,
  void_reason text,
  CHECK ((state IN ('drawn', 'published')) <= (drawn_at IS NOT NULL AND word IS NOT NULL AND result IS NOT NULL)),
  CHECK ((state = 'announced') <= (drawn_at IS NULL AND result IS NULL)),
  CHECK ((state = 'published') = (published_at IS NOT NULL)),
  CHECK ((state = 'published') = (seed IS NOT NULL)),
  CHECK (seed IS NULL OR sha256(seed) = seed_sha256),
  CHECK ((state = 'void') = (void_at IS NOT NULL))
);
-- The seed between announcement and publication.
CREATE TABLE draw_seeds (
  draw_id uuid PRIMARY KEY REFERENCES draws DEFERRABLE INITIALLY DEFERRED,
  seed bytea NOT NULL CHECK (length(seed) = 32)
);

CREATE TABLE inspections (
  id uuid PRIMARY KEY,
  no bigint UNIQUE,                -- given when it begins: a gap would tell of a visit that is planned
  institution_id int NOT NULL REFERENCES institutions,
  kind text NOT NULL CHECK (kind IN ('daily_patrol', 'monthly_check', 'self_check', 'surprise', 'random', 'joint', 'expert',
                                     'campaign')),
  own bool NOT NULL,               -- by the institution's own people
  unannounced bool NOT NULL,       -- nobody of the institution sees it before it begins
  campaign_id uuid REFERENCES campaigns,
  draw_id uuid REFERENCES draws,
  planned_for date NOT NULL,
  purpose text NOT NULL CHECK (length(purpose) <= 2000),
  checklists text[] NOT NULL,
  leader_id int NOT NULL REFERENCES persons,
  state text NOT NULL CHECK (state IN ('planned', 'begun', 'concluded', 'cancelled')),
  version int NOT NULL,            -- how many events it has folded
  planned_at timestamptz NOT NULL,
  planned_by text NOT NULL,
  begun_at timestamptz,
  begun_by text,
  concluded_at timestamptz,
  concluded_by text,
  conclusion text,
  record_sha256 bytea CHECK (length(record_sha256) = 32),  -- of the answers and findings that the leader signed
  cancelled_at timestamptz,
  cancelled_by text,
  CHECK ((state IN ('begun', 'concluded')) = (begun_at IS NOT NULL)),
  CHECK ((begun_at IS NULL) = (no IS NULL)),
  CHECK ((state = 'concluded') = (concluded_at IS NOT NULL)),
  CHECK ((state = 'concluded') = (record_sha256 IS NOT NULL)),
  CHECK ((state = 'concluded') = (conclusion IS NOT NULL)),
  CHECK ((state = 'cancelled') = (cancelled_at IS NOT NULL)),
  CHECK (kind NOT IN ('surprise', 'random') OR unannounced),
  CHECK ((kind = 'self_check') <= own),
  CHECK (own <= (kind IN ('daily_patrol', 'monthly_check', 'self_check') AND NOT unannounced)),
  CHECK ((kind = 'campaign') <= (campaign_id IS NOT NULL)),
  CHECK ((kind = 'random') = (draw_id IS NOT NULL))
);
CREATE SEQUENCE inspection_numbers;
CREATE INDEX inspections_institution ON inspections (institution_id, planned_for DESC, id);
CREATE INDEX inspections_list ON inspections (planned_for DESC, id);
CREATE INDEX inspections_campaign ON inspections (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX inspections_draw ON inspections (draw_id) WHERE draw_id IS NOT NULL;

-- Who goes: 领导 + 专家 + 监管干部, or the institution's own people ('member').
CREATE TABLE inspection_team (
  inspection_id uuid NOT NULL REFERENCES inspections DEFERRABLE INITIALLY DEFERRED,
  person_id int NOT NULL REFERENCES persons,
  duty text NOT NULL CHECK (duty IN ('leader', 'expert', 'officer', 'member')),
  PRIMARY KEY (inspection_id, person_id)
);
CREATE UNIQUE INDEX inspection_team_one_leader ON inspection_team (inspection_id) WHERE duty = 'leader';
CREATE INDEX inspection_team_person ON inspection_team (person_id);

CREATE TABLE inspection_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  inspection_id uuid NOT NULL REFERENCES inspections DEFERRABLE INITIALLY DEFERRED,
  seq int NOT NULL CHECK (seq >= 1),
  verb text NOT NULL CHECK (verb IN ('plan', 'begin', 'answer', 'find', 'conclude', 'cancel', 'comment')),
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  outside bool NOT NULL,
  note text NOT NULL CHECK (length(note) <= 2000),
  body jsonb NOT NULL,
  UNIQUE (inspection_id, seq)
);

-- A checklist as it was when an inspection began with it: what was asked stays known when the list moves on.
CREATE TABLE checklist_editions (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  checklist_id text NOT NULL,
  version text NOT NULL,
  sha256 bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
  body jsonb NOT NULL,
  kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER checklist_editions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checklist_editions
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- What is to be looked at, from the beginning on, and what was found of each.
CREATE TABLE inspection_items (
  inspection_id uuid NOT NULL REFERENCES inspections DEFERRABLE INITIALLY DEFERRED,
  checklist_id text NOT NULL,
  item_id text NOT NULL,
  edition_id int NOT NULL REFERENCES checklist_editions,
  position int NOT NULL,
  outcome text CHECK (outcome IN ('pass', 'fail', 'not_applicable')),   -- NULL: not looked at yet
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
  answered_at timestamptz,
  person_id int REFERENCES persons,
  event_seq int,
  PRIMARY KEY (inspection_id, checklist_id, item_id),
  CHECK ((outcome IS NULL) = (answered_at IS NULL)),
  CHECK ((outcome IS NULL) = (person_id IS NULL)),
  CHECK ((outcome IS NULL) = (event_seq IS NULL))
);

-- A failed item, or what was seen besides the lists. Each opened a hazard in the same transaction.
CREATE TABLE inspection_findings (
  inspection_id uuid NOT NULL REFERENCES inspections DEFERRABLE INITIALLY DEFERRED,
  event_seq int NOT NULL,
  hazard_id uuid NOT NULL UNIQUE REFERENCES hazards DEFERRABLE INITIALLY DEFERRED,
  checklist_id text,
  item_id text,
  level text NOT NULL CHECK (level IN ('general', 'major')),
  clause text NOT NULL,
  found_at timestamptz NOT NULL,
  PRIMARY KEY (inspection_id, event_seq),
  CHECK ((checklist_id IS NULL) = (item_id IS NULL))
);
CREATE INDEX inspection_findings_time ON inspection_findings (found_at);
CREATE TRIGGER inspection_findings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection_findings
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- The only steps there are. NULL: none.
CREATE FUNCTION inspection_step(state text, verb text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN verb = 'comment' THEN state
    WHEN state = 'planned' AND verb = 'begin' THEN 'begun'
    WHEN state = 'planned' AND verb = 'cancel' THEN 'cancelled'
    WHEN state = 'begun' AND verb IN ('answer', 'find') THEN 'begun'
    WHEN state = 'begun' AND verb = 'conclude' THEN 'concluded'
  END
$$;

CREATE FUNCTION inspection_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  i inspections;
BEGIN
  IF NEW.outside = EXISTS (SELECT FROM persons WHERE id = NEW.person_id AND institution_id IS NOT NULL) THEN
    RAISE EXCEPTION 'where this person is from is said wrongly' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO i FROM inspections WHERE id = NEW.inspection_id FOR UPDATE;
  IF NOT FOUND THEN
    IF NEW.verb <> 'plan' OR NEW.seq <> 1 THEN
      RAISE EXCEPTION 'an inspection begins with its plan' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.seq <> i.version + 1 OR inspection_step(i.state, NEW.verb) IS NULL THEN
    RAISE EXCEPTION 'an inspection that is % at version % does not allow % as number %', i.state, i.version, NEW.verb, NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb IN ('begin', 'answer', 'find') AND NOT EXISTS (
      SELECT FROM inspection_team WHERE inspection_id = i.id AND person_id = NEW.person_id) THEN
    RAISE EXCEPTION 'only its team does this' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'conclude' AND NEW.person_id <> i.leader_id THEN
    RAISE EXCEPTION 'only its leader signs the conclusion' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'conclude' AND EXISTS (SELECT FROM inspection_items WHERE inspection_id = i.id AND outcome IS NULL) THEN
    RAISE EXCEPTION 'some items have not been looked at' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'cancel' AND i.own = NEW.outside THEN
    RAISE EXCEPTION 'a visit from outside is cancelled from outside, an own one by the institution'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb = 'comment' AND i.unannounced AND i.begun_at IS NULL AND NOT NEW.outside THEN
    RAISE EXCEPTION 'nobody of the institution knows of this visit' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER inspection_events_are_steps BEFORE INSERT ON inspection_events
  FOR EACH ROW EXECUTE FUNCTION inspection_event_is_a_step();
CREATE TRIGGER inspection_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection_events
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION inspection_event_is_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM inspections WHERE id = NEW.inspection_id AND version >= NEW.seq)
    OR NOT EXISTS (SELECT FROM inspections JOIN inspection_team ON inspection_id = id AND person_id = leader_id
                   WHERE id = NEW.inspection_id AND duty = 'leader')
    OR (NEW.verb = 'find' OR (NEW.verb = 'answer' AND NEW.body ->> 'outcome' = 'fail')) <>
       EXISTS (SELECT FROM inspection_findings WHERE inspection_id = NEW.inspection_id AND event_seq = NEW.seq)
    OR (NEW.verb = 'answer' AND NOT EXISTS (
        SELECT FROM inspection_items WHERE inspection_id = NEW.inspection_id AND checklist_id = NEW.body ->> 'checklist_id'
          AND item_id = NEW.body ->> 'item_id' AND (event_seq > NEW.seq OR (event_seq = NEW.seq AND outcome = NEW.body ->> 'outcome'))))
  THEN
    RAISE EXCEPTION 'the inspection does not stand as its events say' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER inspection_events_are_folded AFTER INSERT ON inspection_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION inspection_event_is_folded();

CREATE FUNCTION inspection_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e inspection_events;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an inspection stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO e FROM inspection_events WHERE inspection_id = NEW.id AND seq = NEW.version;
  IF TG_OP = 'INSERT' THEN
    IF NEW.version <> 1 OR NEW.state <> 'planned' OR e.verb IS DISTINCT FROM 'plan' OR e.outside = NEW.own THEN
      RAISE EXCEPTION 'an inspection begins with its plan' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF e.id IS NULL OR NEW.version <> OLD.version + 1 OR NEW.state IS DISTINCT FROM inspection_step(OLD.state, e.verb) THEN
    RAISE EXCEPTION 'an inspection changes by its events only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF ((NEW.begun_at, NEW.begun_by, NEW.no) IS DISTINCT FROM (OLD.begun_at, OLD.begun_by, OLD.no) AND e.verb <> 'begin')
    OR ((NEW.concluded_at, NEW.concluded_by, NEW.conclusion, NEW.record_sha256)
        IS DISTINCT FROM (OLD.concluded_at, OLD.concluded_by, OLD.conclusion, OLD.record_sha256) AND e.verb <> 'conclude')
    OR ((NEW.cancelled_at, NEW.cancelled_by) IS DISTINCT FROM (OLD.cancelled_at, OLD.cancelled_by) AND e.verb <> 'cancel')
    OR (NEW.id, NEW.institution_id, NEW.kind, NEW.own, NEW.unannounced, NEW.campaign_id, NEW.draw_id, NEW.planned_for, NEW.purpose,
        NEW.checklists, NEW.leader_id, NEW.planned_at, NEW.planned_by)
       IS DISTINCT FROM
       (OLD.id, OLD.institution_id, OLD.kind, OLD.own, OLD.unannounced, OLD.campaign_id, OLD.draw_id, OLD.planned_for, OLD.purpose,
        OLD.checklists, OLD.leader_id, OLD.planned_at, OLD.planned_by) THEN
    RAISE EXCEPTION 'the event % does not change this', e.verb USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER inspections_follow_their_events BEFORE INSERT OR UPDATE OR DELETE ON inspections
  FOR EACH ROW EXECUTE FUNCTION inspection_follows_its_events();
CREATE TRIGGER inspections_stay BEFORE TRUNCATE ON inspections FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- A team stands with its plan: members of the institution for its own checks, nobody of any institution for all others.
CREATE FUNCTION inspection_team_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  i inspections;
  home int;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    RAISE EXCEPTION 'a team stays as it was planned' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO i FROM inspections WHERE id = NEW.inspection_id;
  SELECT institution_id INTO home FROM persons WHERE id = NEW.person_id;
  IF i.id IS NULL OR i.version <> 1 OR (CASE WHEN i.own THEN home IS DISTINCT FROM i.institution_id ELSE home IS NOT NULL END)
    OR (NEW.duty = 'leader') <> (NEW.person_id = i.leader_id) THEN
    RAISE EXCEPTION 'this person cannot be on that team' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER inspection_teams_are_fixed BEFORE INSERT OR UPDATE OR DELETE ON inspection_team
  FOR EACH ROW EXECUTE FUNCTION inspection_team_is_fixed();
CREATE TRIGGER inspection_teams_stay BEFORE TRUNCATE ON inspection_team
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- An item comes with the beginning and is answered by an event; a failed one stays failed.
CREATE FUNCTION inspection_item_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e inspection_events;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an item stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.outcome IS NOT NULL OR NOT EXISTS (
        SELECT FROM inspections JOIN inspection_events ON inspection_id = inspections.id AND seq = version
        WHERE inspections.id = NEW.inspection_id AND verb = 'begin') THEN
      RAISE EXCEPTION 'items come when the inspection begins' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  SELECT * INTO e FROM inspection_events WHERE inspection_id = NEW.inspection_id AND seq = NEW.event_seq;
  IF e.verb IS DISTINCT FROM 'answer' OR OLD.outcome = 'fail' OR NEW.event_seq <= OLD.event_seq
    OR (NEW.outcome, NEW.checklist_id, NEW.item_id, NEW.note, NEW.person_id, NEW.answered_at)
       IS DISTINCT FROM (e.body ->> 'outcome', e.body ->> 'checklist_id', e.body ->> 'item_id', e.note, e.person_id, e.at)
    OR (NEW.inspection_id, NEW.checklist_id, NEW.item_id, NEW.edition_id, NEW.position)
       IS DISTINCT FROM (OLD.inspection_id, OLD.checklist_id, OLD.item_id, OLD.edition_id, OLD.position) THEN
    RAISE EXCEPTION 'an item changes by answers only, and a failed one stays failed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER inspection_items_follow_their_events BEFORE INSERT OR UPDATE OR DELETE ON inspection_items
  FOR EACH ROW EXECUTE FUNCTION inspection_item_follows_its_events();
CREATE TRIGGER inspection_items_stay BEFORE TRUNCATE ON inspection_items
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION inspection_finding_is_a_hazard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM hazards h, inspections i, inspection_events e
      WHERE h.id = NEW.hazard_id AND i.id = NEW.inspection_id AND e.inspection_id = i.id AND e.seq = NEW.event_seq
        AND h.origin = 'inspection' AND h.institution_id = i.institution_id AND e.verb IN ('answer', 'find')) THEN
    RAISE EXCEPTION 'a finding opens a hazard at the place that is visited' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER inspection_findings_are_hazards AFTER INSERT ON inspection_findings DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION inspection_finding_is_a_hazard();

-- Photos belong to one event: of a hazard, or of an inspection.
ALTER TABLE hazard_photos ADD COLUMN inspection_id uuid REFERENCES inspections;
ALTER TABLE hazard_photos ADD COLUMN inspection_seq int;
ALTER TABLE hazard_photos ADD CHECK ((inspection_id IS NULL) = (inspection_seq IS NULL));
ALTER TABLE hazard_photos ADD CHECK (inspection_id IS NULL OR hazard_id IS NULL);
CREATE OR REPLACE FUNCTION hazard_photo_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.hazard_id IS NOT NULL OR OLD.inspection_id IS NOT NULL OR (TG_OP = 'UPDATE'
    AND (NEW.id, NEW.institution_id, NEW.uploader_id, NEW.uploaded_at, NEW.width, NEW.height, NEW.sha256, NEW.jpeg)
      IS DISTINCT FROM (OLD.id, OLD.institution_id, OLD.uploader_id, OLD.uploaded_at, OLD.width, OLD.height, OLD.sha256, OLD.jpeg)) THEN
    RAISE EXCEPTION 'a photo that is evidence stays as it is' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- Draws: announced (with the seed's and the register's SHA-256), drawn, published; or void before it is drawn.
CREATE TABLE draw_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  draw_id uuid NOT NULL REFERENCES draws DEFERRABLE INITIALLY DEFERRED,
  seq int NOT NULL CHECK (seq >= 1),
  verb text NOT NULL CHECK (verb IN ('announce', 'draw', 'publish', 'void')),
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  note text NOT NULL CHECK (length(note) <= 2000),
  body jsonb NOT NULL,
  UNIQUE (draw_id, seq)
);
CREATE TRIGGER draw_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON draw_events
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE FUNCTION draw_step(state text, verb text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN state = 'announced' AND verb = 'draw' THEN 'drawn'
    WHEN state = 'announced' AND verb = 'void' THEN 'void'
    WHEN state = 'drawn' AND verb = 'publish' THEN 'published'
  END
$$;

CREATE FUNCTION draw_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  d draws;
BEGIN
  IF EXISTS (SELECT FROM persons WHERE id = NEW.person_id AND institution_id IS NOT NULL) THEN
    RAISE EXCEPTION 'nobody of an institution draws' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO d FROM draws WHERE id = NEW.draw_id FOR UPDATE;
  IF NOT FOUND THEN
    IF NEW.verb <> 'announce' OR NEW.seq <> 1 THEN
      RAISE EXCEPTION 'a draw begins with its announcement' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.seq <> d.version + 1 OR draw_step(d.state, NEW.verb) IS NULL THEN
    RAISE EXCEPTION 'a draw that is % at version % does not allow % as number %', d.state, d.version, NEW.verb, NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  -- With the seed anybody can work out who is visited.
  IF NEW.verb = 'publish' AND EXISTS (SELECT FROM inspections WHERE draw_id = d.id AND state = 'planned') THEN
    RAISE EXCEPTION 'some of the visits drawn have not begun' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER draw_events_are_steps BEFORE INSERT ON draw_events FOR EACH ROW EXECUTE FUNCTION draw_event_is_a_step();

CREATE FUNCTION draw_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e draw_events;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a draw stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO e FROM draw_events WHERE draw_id = NEW.id AND seq = NEW.version;
  IF TG_OP = 'INSERT' THEN
    IF NEW.version <> 1 OR NEW.state <> 'announced' OR e.verb IS DISTINCT FROM 'announce' THEN
      RAISE EXCEPTION 'a draw begins with its announcement' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF e.id IS NULL OR NEW.version <> OLD.version + 1 OR NEW.state IS DISTINCT FROM draw_step(OLD.state, e.verb)
    OR ((NEW.drawn_at, NEW.drawn_by, NEW.word, NEW.result) IS DISTINCT FROM (OLD.drawn_at, OLD.drawn_by, OLD.word, OLD.result)
        AND e.verb <> 'draw')
    OR (NEW.id, NEW.no, NEW.title, NEW.region, NEW.campaign_id, NEW.planned_for, NEW.checklists, NEW.register, NEW.grounds,
        NEW.seed_sha256, NEW.register_sha256, NEW.announced_at, NEW.announced_by)
       IS DISTINCT FROM
       (OLD.id, OLD.no, OLD.title, OLD.region, OLD.campaign_id, OLD.planned_for, OLD.checklists, OLD.register, OLD.grounds,
        OLD.seed_sha256, OLD.register_sha256, OLD.announced_at, OLD.announced_by) THEN
    RAISE EXCEPTION 'a draw changes by its events only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER draws_follow_their_events BEFORE INSERT OR UPDATE OR DELETE ON draws
  FOR EACH ROW EXECUTE FUNCTION draw_follows_its_events();
CREATE TRIGGER draws_stay BEFORE TRUNCATE ON draws FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER draw_seeds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON draw_seeds
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
