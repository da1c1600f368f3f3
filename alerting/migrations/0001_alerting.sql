-- The event log: what happened to alerts, in the order it was recorded. Nothing here is ever changed or removed
-- (安全生产法 §36: alarm data must not be altered or destroyed).
CREATE TABLE alert_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE,
  alert_id uuid NOT NULL,
  verb text NOT NULL CHECK (verb IN ('raise', 'clear', 'acknowledge', 'reset')),
  at timestamptz NOT NULL,         -- when it happened
  onset_at timestamptz NOT NULL,   -- when the condition behind it began
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  institution_id int NOT NULL REFERENCES institutions,
  zone_id int REFERENCES zones,
  device_id int REFERENCES devices,
  kind text NOT NULL CHECK (kind IN ('fire', 'gas', 'co', 'fall', 'sos', 'offline', 'low_battery', 'sensor_fault', 'anomaly')),
  priority text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low', 'advisory')),
  latching bool NOT NULL,
  rule text,                       -- the rule that raised or cleared; NULL for a person's act
  actor text NOT NULL,             -- 'engine', or 'user:NAME'
  note text,
  evidence jsonb NOT NULL
);
CREATE INDEX alert_events_alert ON alert_events (alert_id, id);

CREATE FUNCTION alert_events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'alert_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER alert_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_events
  FOR EACH STATEMENT EXECUTE FUNCTION alert_events_are_append_only();

-- Where each alert stands: the fold of its events (alerting/alert.py), kept beside them so that a page need not fold.
CREATE TABLE alerts (
  id uuid PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  zone_id int REFERENCES zones,
  device_id int REFERENCES devices,
  kind text NOT NULL,
  priority text NOT NULL,
  latching bool NOT NULL,
  active bool NOT NULL,
  acknowledged bool NOT NULL,
  latched bool NOT NULL,
  open bool NOT NULL GENERATED ALWAYS AS (active OR latched OR NOT acknowledged) STORED,
  rules text[] NOT NULL,           -- the rules that hold now
  version int NOT NULL,            -- how many events it has folded
  occurrences int NOT NULL,
  onset_at timestamptz NOT NULL,
  raised_at timestamptz NOT NULL,
  cleared_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  reset_at timestamptz,
  evidence jsonb NOT NULL,
  last_event_id bigint NOT NULL
);
CREATE UNIQUE INDEX alerts_one_open ON alerts (institution_id, coalesce(device_id, 0), kind) WHERE open;
CREATE INDEX alerts_by_event ON alerts (last_event_id);
CREATE INDEX alerts_by_raised ON alerts (raised_at DESC, id);

-- Rule sets ever loaded; the newest is in force. Loading one is an act of a named person.
CREATE TABLE rule_sets (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);
