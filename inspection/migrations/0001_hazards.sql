-- Hazards (隐患): what happened to each, in order, and where each stands. As with alerts nothing of the events is ever
-- changed or removed, and the row in `hazards` is their fold (inspection/hazard.py). The triggers keep every door to the
-- same steps: what the code cannot do, nobody can do with SQL either.
CREATE TABLE hazard_policies (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);

CREATE TABLE hazards (
  id uuid PRIMARY KEY,
  no bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  institution_id int NOT NULL REFERENCES institutions,
  zone_id int REFERENCES zones,
  device_id int REFERENCES devices,
  origin text NOT NULL CHECK (origin IN ('person', 'sensor', 'inspection')),
  category text NOT NULL CHECK (category IN ('fire', 'electrical', 'gas', 'building', 'equipment', 'food', 'management', 'service',
                                             'other')),
  level text NOT NULL CHECK (level IN ('general', 'major')),
  supervisor text NOT NULL CHECK (supervisor IN ('head', 'deputy', 'department')),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  detail text NOT NULL CHECK (length(detail) <= 2000),
  state text NOT NULL CHECK (state IN ('reported', 'assigned', 'rectified', 'rechecked', 'closed')),
  version int NOT NULL,            -- how many events it has folded
  reported_at timestamptz NOT NULL,
  reported_by text NOT NULL,
  alert_id uuid REFERENCES alerts,
  alert_kind text,
  rule text,                       -- the sensor rule of the policy that opened it
  checklist_id text,
  item_id text,
  clause text NOT NULL,
  repeat_key text,
  repeat_of uuid REFERENCES hazards,
  occurrence int NOT NULL CHECK (occurrence >= 1),
  assignee_id int REFERENCES persons,
  assigned_at timestamptz,
  assigned_by text,
  term text,
  deadline timestamptz,
  rectified_at timestamptz,
  rectified_by text,
  rectifier_id int REFERENCES persons,
  rechecked_at timestamptz,
  rechecked_by text,
  failures int NOT NULL,
  closed_at timestamptz,
  closed_by text,
  extension_until timestamptz,
  extension_asked_at timestamptz,
  extension_asker_id int REFERENCES persons,
  extensions int NOT NULL,
  proposal text CHECK (proposal IN ('close', 'suspend', 'merge', 'convert')),
  reminded_for timestamptz,
  escalated int NOT NULL,
  CHECK ((state = 'reported') = (assignee_id IS NULL)),
  CHECK ((assignee_id IS NULL) = (deadline IS NULL)),
  CHECK ((state IN ('rectified', 'rechecked', 'closed')) = (rectifier_id IS NOT NULL)),
  CHECK ((state IN ('rechecked', 'closed')) = (rechecked_at IS NOT NULL)),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  CHECK ((origin = 'sensor') = (rule IS NOT NULL))
);
CREATE INDEX hazards_open ON hazards (deadline, no) WHERE state <> 'closed';
CREATE INDEX hazards_institution ON hazards (institution_id, no DESC);
CREATE INDEX hazards_repeat ON hazards (institution_id, repeat_key) WHERE repeat_key IS NOT NULL;
-- A rule has at most one open hazard at a place, whatever raced.
CREATE UNIQUE INDEX hazards_one_open_per_rule ON hazards (institution_id, rule, coalesce(device_id, 0))
  WHERE rule IS NOT NULL AND state <> 'closed';

CREATE TABLE hazard_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  hazard_id uuid NOT NULL REFERENCES hazards DEFERRABLE INITIALLY DEFERRED,
  seq int NOT NULL CHECK (seq >= 1),
  verb text NOT NULL CHECK (verb IN ('report', 'assign', 'rectify', 'recheck', 'close', 'ask_extension', 'extend', 'refuse_extension',
                                     'propose', 'comment', 'remind', 'escalate')),
  at timestamptz NOT NULL,         -- when it happened
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,             -- 'user:NAME', or 'policy'
  person_id int REFERENCES persons,
  outside bool NOT NULL,           -- somebody who is not of the institution itself
  passed bool CHECK ((passed IS NOT NULL) = (verb = 'recheck')),
  note text NOT NULL CHECK (length(note) <= 2000),
  body jsonb NOT NULL,
  UNIQUE (hazard_id, seq),
  -- every act names its person; only what the policy does by itself has none
  CHECK (person_id IS NOT NULL OR (actor = 'policy' AND verb IN ('report', 'remind', 'escalate')))
);

-- The only steps there are. NULL: none.
CREATE FUNCTION hazard_step(state text, verb text, passed bool) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN verb = 'comment' THEN state
    WHEN state = 'reported' AND verb = 'assign' THEN 'assigned'
    WHEN state = 'assigned' AND verb IN ('assign', 'ask_extension', 'extend', 'refuse_extension', 'propose', 'remind', 'escalate')
      THEN 'assigned'
    WHEN state = 'assigned' AND verb = 'rectify' THEN 'rectified'
    WHEN state = 'rectified' AND verb = 'recheck' AND passed THEN 'rechecked'
    WHEN state IN ('rectified', 'rechecked') AND verb = 'recheck' AND NOT passed THEN 'assigned'
    WHEN state = 'rechecked' AND verb = 'close' THEN 'closed'
  END
$$;

CREATE FUNCTION hazard_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  h hazards;
BEGIN
  IF NEW.outside AND EXISTS (SELECT FROM persons WHERE id = NEW.person_id AND institution_id IS NOT NULL) THEN
    RAISE EXCEPTION 'this person is not from outside' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO h FROM hazards WHERE id = NEW.hazard_id FOR UPDATE;
  IF NOT FOUND THEN
    IF NEW.verb <> 'report' OR NEW.seq <> 1 THEN
      RAISE EXCEPTION 'a hazard begins with its report' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.seq <> h.version + 1 OR hazard_step(h.state, NEW.verb, NEW.passed) IS NULL THEN
    RAISE EXCEPTION 'a hazard that is % at version % does not allow % as number %', h.state, h.version, NEW.verb, NEW.seq
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb IN ('recheck', 'close') AND NEW.person_id = h.rectifier_id THEN
    RAISE EXCEPTION 'who rectified it cannot recheck or close it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.verb IN ('extend', 'refuse_extension') AND (h.extension_until IS NULL OR NEW.person_id = h.extension_asker_id) THEN
    RAISE EXCEPTION 'somebody else has to ask for an extension first' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NOT NEW.outside AND (NEW.verb = 'propose' OR (h.level = 'major' AND NEW.verb IN ('recheck', 'close', 'extend',
      'refuse_extension'))) THEN
    RAISE EXCEPTION 'somebody from outside the institution has to do this' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF h.origin = 'sensor' AND (NEW.verb = 'close' OR NEW.passed) AND EXISTS (
      SELECT FROM alerts WHERE active AND NOT drill AND kind = h.alert_kind AND institution_id = h.institution_id
        AND device_id IS NOT DISTINCT FROM h.device_id) THEN
    RAISE EXCEPTION 'the sensor still shows this hazard' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hazard_events_are_steps BEFORE INSERT ON hazard_events
  FOR EACH ROW EXECUTE FUNCTION hazard_event_is_a_step();
CREATE TRIGGER hazard_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hazard_events
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- An event without its fold would leave the row behind the log.
CREATE FUNCTION hazard_event_is_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM hazards WHERE id = NEW.hazard_id AND version >= NEW.seq) THEN
    RAISE EXCEPTION 'the hazard does not stand as its events say' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hazard_events_are_folded AFTER INSERT ON hazard_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION hazard_event_is_folded();

CREATE FUNCTION hazard_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e hazard_events;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a hazard stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO e FROM hazard_events WHERE hazard_id = NEW.id AND seq = NEW.version;
  IF TG_OP = 'INSERT' THEN
    IF NEW.version <> 1 OR NEW.state <> 'reported' OR e.verb IS DISTINCT FROM 'report' THEN
      RAISE EXCEPTION 'a hazard begins with its report' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF e.id IS NULL OR NEW.version <> OLD.version + 1 OR NEW.state IS DISTINCT FROM hazard_step(OLD.state, e.verb, e.passed) THEN
    RAISE EXCEPTION 'a hazard changes by its events only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF (NEW.deadline IS DISTINCT FROM OLD.deadline AND NOT (e.verb = 'extend' OR (e.verb = 'assign' AND OLD.deadline IS NULL)))
    OR (NEW.rectifier_id IS DISTINCT FROM OLD.rectifier_id AND e.verb NOT IN ('rectify', 'recheck'))
    OR (NEW.level IS DISTINCT FROM OLD.level AND e.verb <> 'assign')
    OR (e.verb = 'rectify' AND NEW.rectifier_id IS DISTINCT FROM e.person_id)
    OR (e.verb = 'extend' AND NEW.deadline IS DISTINCT FROM OLD.extension_until)
    OR (NEW.extension_until IS DISTINCT FROM OLD.extension_until
        AND e.verb NOT IN ('ask_extension', 'extend', 'refuse_extension', 'rectify'))
    OR (NEW.extension_asker_id IS DISTINCT FROM
        CASE WHEN NEW.extension_until IS NULL THEN NULL WHEN e.verb = 'ask_extension' THEN e.person_id ELSE OLD.extension_asker_id END)
    OR (NEW.assignee_id IS DISTINCT FROM OLD.assignee_id AND e.verb <> 'assign')
    OR (NEW.failures <> OLD.failures AND e.verb <> 'recheck')
    OR (NEW.id, NEW.no, NEW.institution_id, NEW.zone_id, NEW.device_id, NEW.origin, NEW.category, NEW.title, NEW.detail,
        NEW.reported_at, NEW.reported_by, NEW.alert_id, NEW.alert_kind, NEW.rule, NEW.checklist_id, NEW.item_id, NEW.clause,
        NEW.repeat_key, NEW.repeat_of, NEW.occurrence)
       IS DISTINCT FROM
       (OLD.id, OLD.no, OLD.institution_id, OLD.zone_id, OLD.device_id, OLD.origin, OLD.category, OLD.title, OLD.detail,
        OLD.reported_at, OLD.reported_by, OLD.alert_id, OLD.alert_kind, OLD.rule, OLD.checklist_id, OLD.item_id, OLD.clause,
        OLD.repeat_key, OLD.repeat_of, OLD.occurrence) THEN
    RAISE EXCEPTION 'the event % does not change this', e.verb USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hazards_follow_their_events BEFORE INSERT OR UPDATE OR DELETE ON hazards
  FOR EACH ROW EXECUTE FUNCTION hazard_follows_its_events();
CREATE TRIGGER hazards_stay BEFORE TRUNCATE ON hazards FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Evidence: pictures as Anhu has drawn them anew, without what the camera wrote into them. One is uploaded first and then
-- belongs to one event for good.
CREATE TABLE hazard_photos (
  id uuid PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  uploader_id int NOT NULL REFERENCES persons,
  uploaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  hazard_id uuid REFERENCES hazards DEFERRABLE INITIALLY DEFERRED,
  event_seq int,
  width int NOT NULL,
  height int NOT NULL,
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  jpeg bytea NOT NULL CHECK (length(jpeg) BETWEEN 100 AND 1048576),
  CHECK ((hazard_id IS NULL) = (event_seq IS NULL))
);
CREATE INDEX hazard_photos_hazard ON hazard_photos (hazard_id, event_seq) WHERE hazard_id IS NOT NULL;
CREATE INDEX hazard_photos_loose ON hazard_photos (uploader_id, uploaded_at) WHERE hazard_id IS NULL;

CREATE FUNCTION hazard_photo_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.hazard_id IS NOT NULL OR (TG_OP = 'UPDATE'
    AND (NEW.id, NEW.institution_id, NEW.uploader_id, NEW.uploaded_at, NEW.width, NEW.height, NEW.sha256, NEW.jpeg)
      IS DISTINCT FROM (OLD.id, OLD.institution_id, OLD.uploader_id, OLD.uploaded_at, OLD.width, OLD.height, OLD.sha256, OLD.jpeg)) THEN
    RAISE EXCEPTION 'a photo that is evidence stays as it is' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER hazard_photos_are_kept BEFORE UPDATE OR DELETE ON hazard_photos
  FOR EACH ROW EXECUTE FUNCTION hazard_photo_is_kept();
CREATE TRIGGER hazard_photos_stay BEFORE TRUNCATE ON hazard_photos
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- How far the hazard worker has followed the event log of alerts.
CREATE TABLE hazard_cursor (only_row bool PRIMARY KEY DEFAULT true CHECK (only_row), event_id bigint NOT NULL);
