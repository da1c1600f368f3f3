-- A report that was a mistake is withdrawn: by who reported it, or from outside, before anything was rectified. It leaves the
-- list and stays on record. And a hazard nobody was given in time is escalated, as an overdue one is.
ALTER TABLE hazards ADD COLUMN reporter_id int REFERENCES persons;   -- NULL: a rule opened it
ALTER TABLE hazards ADD COLUMN withdrawn_at timestamptz;
ALTER TABLE hazards ADD COLUMN withdrawn_by text;
ALTER TABLE hazards DISABLE TRIGGER hazards_follow_their_events;
UPDATE hazards SET reporter_id = e.person_id FROM hazard_events e
  WHERE e.hazard_id = hazards.id AND e.seq = 1 AND e.person_id IS NOT NULL;
ALTER TABLE hazards ENABLE TRIGGER hazards_follow_their_events;

ALTER TABLE hazards DROP CONSTRAINT hazards_state_check;
ALTER TABLE hazards ADD CONSTRAINT hazards_state_check
  CHECK (state IN ('reported', 'assigned', 'rectified', 'rechecked', 'closed', 'withdrawn'));
ALTER TABLE hazards DROP CONSTRAINT hazards_check;                   -- (state = 'reported') = (assignee_id IS NULL)
ALTER TABLE hazards ADD CONSTRAINT hazards_assignee_check
  CHECK (state = 'withdrawn' OR (state = 'reported') = (assignee_id IS NULL));
ALTER TABLE hazards ADD CONSTRAINT hazards_withdrawn_check
  CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL) AND (withdrawn_at IS NULL) = (withdrawn_by IS NULL));
ALTER TABLE hazard_events DROP CONSTRAINT hazard_events_verb_check;
ALTER TABLE hazard_events ADD CONSTRAINT hazard_events_verb_check
  CHECK (verb IN ('report', 'assign', 'rectify', 'recheck', 'close', 'ask_extension', 'extend', 'refuse_extension', 'propose',
                  'comment', 'remind', 'escalate', 'withdraw'));
DROP INDEX hazards_open;
CREATE INDEX hazards_open ON hazards (deadline, no) WHERE state NOT IN ('closed', 'withdrawn');
CREATE INDEX hazards_unassigned ON hazards (reported_at) WHERE state = 'reported';

-- The steps of 0001, with these two.
CREATE OR REPLACE FUNCTION hazard_step(state text, verb text, passed bool) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN verb = 'comment' THEN state
    WHEN state = 'reported' AND verb = 'assign' THEN 'assigned'
    WHEN state = 'reported' AND verb = 'escalate' THEN 'reported'
    WHEN state IN ('reported', 'assigned') AND verb = 'withdraw' THEN 'withdrawn'
    WHEN state = 'assigned' AND verb IN ('assign', 'ask_extension', 'extend', 'refuse_extension', 'propose', 'remind', 'escalate')
      THEN 'assigned'
    WHEN state = 'assigned' AND verb = 'rectify' THEN 'rectified'
    WHEN state = 'rectified' AND verb = 'recheck' AND passed THEN 'rechecked'
    WHEN state IN ('rectified', 'rechecked') AND verb = 'recheck' AND NOT passed THEN 'assigned'
    WHEN state = 'rechecked' AND verb = 'close' THEN 'closed'
  END
$$;

CREATE OR REPLACE FUNCTION hazard_event_is_a_step() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF NEW.verb = 'withdraw' AND (h.origin = 'sensor' OR h.failures > 0 OR h.extensions > 0
      OR (h.state = 'assigned' AND h.deadline < NEW.at)
      OR NOT (NEW.outside OR (h.state = 'reported' AND h.level <> 'major' AND NEW.person_id IS NOT DISTINCT FROM h.reporter_id))) THEN
    RAISE EXCEPTION 'this report cannot be withdrawn now, or not by this person' USING ERRCODE = 'integrity_constraint_violation';
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

CREATE OR REPLACE FUNCTION hazard_follows_its_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  e hazard_events;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a hazard stays on record' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  SELECT * INTO e FROM hazard_events WHERE hazard_id = NEW.id AND seq = NEW.version;
  IF TG_OP = 'INSERT' THEN
    IF NEW.version <> 1 OR NEW.state <> 'reported' OR e.verb IS DISTINCT FROM 'report'
      OR NEW.reporter_id IS DISTINCT FROM e.person_id THEN
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
        AND e.verb NOT IN ('ask_extension', 'extend', 'refuse_extension', 'rectify', 'withdraw'))
    OR (NEW.extension_asker_id IS DISTINCT FROM
        CASE WHEN NEW.extension_until IS NULL THEN NULL WHEN e.verb = 'ask_extension' THEN e.person_id ELSE OLD.extension_asker_id END)
    OR (NEW.assignee_id IS DISTINCT FROM OLD.assignee_id AND e.verb <> 'assign')
    OR (NEW.failures <> OLD.failures AND e.verb <> 'recheck')
    OR ((NEW.withdrawn_at, NEW.withdrawn_by) IS DISTINCT FROM (OLD.withdrawn_at, OLD.withdrawn_by) AND e.verb <> 'withdraw')
    OR (NEW.id, NEW.no, NEW.institution_id, NEW.zone_id, NEW.device_id, NEW.origin, NEW.category, NEW.title, NEW.detail,
        NEW.reported_at, NEW.reported_by, NEW.reporter_id, NEW.alert_id, NEW.alert_kind, NEW.rule, NEW.checklist_id, NEW.item_id,
        NEW.clause, NEW.repeat_key, NEW.repeat_of, NEW.occurrence)
       IS DISTINCT FROM
       (OLD.id, OLD.no, OLD.institution_id, OLD.zone_id, OLD.device_id, OLD.origin, OLD.category, OLD.title, OLD.detail,
        OLD.reported_at, OLD.reported_by, OLD.reporter_id, OLD.alert_id, OLD.alert_kind, OLD.rule, OLD.checklist_id, OLD.item_id,
        OLD.clause, OLD.repeat_key, OLD.repeat_of, OLD.occurrence) THEN
    RAISE EXCEPTION 'the event % does not change this', e.verb USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
