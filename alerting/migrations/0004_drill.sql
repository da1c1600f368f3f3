-- A drill has a place of its own: a real alarm of the same device is raised beside it, whatever is being practised.
DROP INDEX alerts_one_open;
CREATE UNIQUE INDEX alerts_one_open ON alerts (coalesce(institution_id, 0), coalesce(device_id, 0), kind, drill) WHERE open;

-- Drills (演练). The id is that of the alert the drill raises.
CREATE TABLE drills (
  id uuid PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  device_id int REFERENCES devices,
  kind text NOT NULL CHECK (kind IN ('fire', 'gas', 'co', 'fall', 'sos')),
  started_by text NOT NULL,        -- 'user:NAME', 'operator:NAME' at the command line, 'schedule'
  scheduled bool NOT NULL,         -- the twice-monthly test of the chain
  reach text NOT NULL CHECK (reach IN ('all', 'silent_push', 'screen')),
  note text NOT NULL CHECK (length(note) <= 500),
  limits jsonb NOT NULL,           -- stage → seconds
  limit_s double precision NOT NULL CHECK (limit_s > 0),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  published_at timestamptz,        -- handed to the broker
  shown_at timestamptz,            -- a page has drawn it
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'passed', 'failed', 'ended')),
  ended_at timestamptz,
  report jsonb,
  CHECK ((state = 'running') = (ended_at IS NULL) AND (state = 'running') = (report IS NULL))
);
CREATE UNIQUE INDEX drills_one_running ON drills (institution_id) WHERE state = 'running';
CREATE INDEX drills_by_start ON drills (institution_id, started_at DESC);

-- Duty checks (查岗).
CREATE TABLE duty_checks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at timestamptz NOT NULL CHECK (due_at > called_at),
  called_by text NOT NULL,         -- 'random' or 'user:NAME'
  note text NOT NULL CHECK (length(note) <= 500),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'missed')),
  answered_at timestamptz,
  answered_by text,
  CHECK ((state = 'answered') = (answered_at IS NOT NULL) AND (answered_at IS NULL) = (answered_by IS NULL))
);
CREATE UNIQUE INDEX duty_checks_one_open ON duty_checks (institution_id) WHERE state = 'open';
CREATE INDEX duty_checks_by_call ON duty_checks (institution_id, called_at DESC);

-- A result is never changed afterwards, and none is removed; the acts in the ledger say the same.
CREATE FUNCTION results_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.state IN ('running', 'open') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a result in % is final', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER drills_are_final BEFORE UPDATE OR DELETE ON drills FOR EACH ROW EXECUTE FUNCTION results_are_final();
CREATE TRIGGER duty_checks_are_final BEFORE UPDATE OR DELETE ON duty_checks FOR EACH ROW EXECUTE FUNCTION results_are_final();

-- Emergency plans (应急预案): what an institution says itself beside the cards that ship with Anhu, and who has to be
-- carried, by zone.
CREATE TABLE plan_cards (
  institution_id int NOT NULL REFERENCES institutions,
  kind text NOT NULL,
  steps jsonb NOT NULL,
  phones jsonb NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  saved_by text NOT NULL,
  PRIMARY KEY (institution_id, kind)
);
CREATE TABLE residents_carried (
  institution_id int NOT NULL,
  zone_id int NOT NULL,
  count_cannot_walk int NOT NULL CHECK (count_cannot_walk BETWEEN 0 AND 10000),
  note text NOT NULL CHECK (length(note) <= 500),
  PRIMARY KEY (institution_id, zone_id),
  FOREIGN KEY (institution_id, zone_id) REFERENCES zones (institution_id, id)
);
