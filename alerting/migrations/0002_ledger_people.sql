-- Alerts about the service itself belong to no institution.
ALTER TABLE alert_events ALTER COLUMN institution_id DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN institution_id DROP NOT NULL;
DROP INDEX alerts_one_open;
CREATE UNIQUE INDEX alerts_one_open ON alerts (coalesce(institution_id, 0), coalesce(device_id, 0), kind) WHERE open;

ALTER TABLE alert_events DROP CONSTRAINT alert_events_verb_check;
ALTER TABLE alert_events ADD CONSTRAINT alert_events_verb_check
  CHECK (verb IN ('raise', 'clear', 'acknowledge', 'reset', 'comment'));
ALTER TABLE alert_events DROP CONSTRAINT alert_events_kind_check;
ALTER TABLE alert_events ADD CONSTRAINT alert_events_kind_check
  CHECK (kind IN ('fire', 'gas', 'co', 'fall', 'sos', 'offline', 'low_battery', 'sensor_fault', 'anomaly', 'unanswered', 'system'));
-- A simulated alarm (演练) goes the whole real way, and is marked on all of it.
ALTER TABLE alert_events ADD COLUMN drill bool NOT NULL DEFAULT false;
ALTER TABLE alerts ADD COLUMN drill bool NOT NULL DEFAULT false;
-- When the alert last called for somebody: raised, raised again, or got more urgent.
ALTER TABLE alerts ADD COLUMN called_at timestamptz;
UPDATE alerts SET called_at = raised_at;
ALTER TABLE alerts ALTER COLUMN called_at SET NOT NULL;

-- What people did besides acting on one alert: shelving, people, policies, drills, duty checks.
CREATE TABLE acts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  verb text NOT NULL,
  subject text NOT NULL,           -- what it was done to, e.g. 'suppression:12', 'person:3'
  institution_id int REFERENCES institutions,
  body jsonb NOT NULL
);

-- The chain over both logs (alerting/ledger.py): one entry for each row of alert_events and of acts, in order.
CREATE TABLE ledger (
  no bigint PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('alert_events', 'acts')),
  row_id bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  UNIQUE (source, row_id)
);
CREATE TABLE ledger_checkpoints (
  no bigint PRIMARY KEY REFERENCES ledger,
  hash bytea NOT NULL,
  at timestamptz NOT NULL,
  public_key bytea NOT NULL,
  signature bytea NOT NULL
);

CREATE FUNCTION records_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER acts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acts
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER ledger_checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- Who is told, and who may act where. A scope is one institution, or a region by the prefix of its GB/T 2260 code:
-- six digits a county, four a city, two a province, none everywhere.
CREATE TABLE persons (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  role text NOT NULL CHECK (role IN ('operator', 'institution_manager', 'safety_officer', 'inspector', 'expert', 'supervisor',
                                     'administrator')),
  institution_id int REFERENCES institutions,
  region text NOT NULL DEFAULT '' CHECK (region ~ '^([0-9]{2}){0,3}$'),
  language text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
  active bool NOT NULL DEFAULT true,
  CHECK (institution_id IS NULL OR region = '')
);
CREATE TABLE contacts (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id int NOT NULL REFERENCES persons,
  channel text NOT NULL CHECK (channel IN ('wecom', 'dingtalk', 'feishu', 'email', 'webhook', 'sms')),
  address text NOT NULL CHECK (length(address) BETWEEN 1 AND 1000),  -- may hold a secret: never logged, never sent to a page
  rank int NOT NULL DEFAULT 1,     -- the next is tried when one fails
  enabled bool NOT NULL DEFAULT true
);
CREATE INDEX contacts_person ON contacts (person_id, rank, id);

-- Alarms kept from calling anybody, by a person and for a time (ISA-18.2: shelve, out of service, maintenance).
CREATE TABLE suppressions (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('shelve', 'out_of_service', 'maintenance')),
  institution_id int NOT NULL REFERENCES institutions,
  zone_id int REFERENCES zones,
  device_id int REFERENCES devices,
  alert_kind text,                 -- NULL: every kind
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  actor text NOT NULL,
  from_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL CHECK (until_at > from_at),
  ended_at timestamptz,
  ended_by text
);
CREATE INDEX suppressions_current ON suppressions (institution_id, until_at) WHERE ended_at IS NULL;
