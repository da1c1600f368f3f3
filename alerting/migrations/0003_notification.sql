-- Escalation policies ever loaded; the newest is in force. Loading one is an act of a named person.
CREATE TABLE escalation_policies (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);

-- Who is on duty in turn (alerting/oncall.py), and who takes over from whom.
CREATE TABLE rotations (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  role text NOT NULL,
  institution_id int REFERENCES institutions,
  region text NOT NULL DEFAULT '' CHECK (region ~ '^([0-9]{2}){0,3}$'),
  members int[] NOT NULL CHECK (cardinality(members) BETWEEN 1 AND 100),
  anchor date NOT NULL,            -- turn 0 begins with the first shift of this day, in China
  starts time[] NOT NULL CHECK (cardinality(starts) BETWEEN 1 AND 24),
  shifts_per_turn int NOT NULL CHECK (shifts_per_turn BETWEEN 1 AND 400),
  enabled bool NOT NULL DEFAULT true,
  CHECK (institution_id IS NULL OR region = '')
);
CREATE TABLE stand_ins (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  absent_id int NOT NULL REFERENCES persons,
  stand_in_id int NOT NULL REFERENCES persons CHECK (stand_in_id <> absent_id),
  from_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL CHECK (until_at > from_at),
  actor text NOT NULL
);

ALTER TABLE contacts DROP CONSTRAINT contacts_channel_check;
ALTER TABLE contacts ADD CONSTRAINT contacts_channel_check
  CHECK (channel IN ('wecom', 'dingtalk', 'feishu', 'email', 'webhook', 'sms', 'apprise'));

-- How far the notifier has followed the event log.
CREATE TABLE notifier_cursor (only_row bool PRIMARY KEY DEFAULT true CHECK (only_row), event_id bigint NOT NULL);

-- How far the calling for each call of an alert has got (alerting/ladder.py).
CREATE TABLE ladders (
  alert_id uuid NOT NULL REFERENCES alerts,
  call int NOT NULL,
  called_at timestamptz NOT NULL,
  begun_at timestamptz NOT NULL,
  done int[] NOT NULL,             -- step × 1000 + round
  ahead_s double precision NOT NULL,
  flapping bool NOT NULL,
  raised timestamptz[] NOT NULL,
  ended_at timestamptz,
  ending text,
  PRIMARY KEY (alert_id, call)
);

-- One message to one person. It holds no address and no link: those are put in when it is sent.
CREATE TABLE pushes (
  id uuid PRIMARY KEY,
  person_id int NOT NULL REFERENCES persons,
  form text NOT NULL CHECK (form IN ('alone', 'single', 'group', 'digest', 'test')),
  urgency smallint NOT NULL,
  drill bool NOT NULL,
  alert_id uuid REFERENCES alerts, -- where it tells of one alert only
  institution_id int REFERENCES institutions,
  zone_id int REFERENCES zones,
  language text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  channels text[] NOT NULL,
  every_channel bool NOT NULL,
  created_at timestamptz NOT NULL,
  unreached_at timestamptz         -- when the last way to the person failed for good
);
CREATE INDEX pushes_alert ON pushes (alert_id) WHERE alert_id IS NOT NULL;
CREATE INDEX pushes_created ON pushes (created_at);

-- Who is to know of which alert: the key keeps anybody from being told the same twice. push_id is NULL while it is held
-- back to go with others.
CREATE TABLE tellings (
  alert_id uuid NOT NULL REFERENCES alerts,
  call int NOT NULL,
  step int NOT NULL,
  round int NOT NULL,
  person_id int NOT NULL REFERENCES persons,
  at timestamptz NOT NULL,
  channels text[] NOT NULL,
  every_channel bool NOT NULL,
  hold_until timestamptz,
  push_id uuid REFERENCES pushes,
  dropped bool NOT NULL,
  PRIMARY KEY (alert_id, call, step, round, person_id)
);
CREATE INDEX tellings_held ON tellings (person_id) WHERE push_id IS NULL AND NOT dropped;
CREATE INDEX tellings_push ON tellings (push_id) WHERE push_id IS NOT NULL;

-- One way of a push (alerting/delivery.py).
CREATE TABLE deliveries (
  push_id uuid NOT NULL REFERENCES pushes,
  contact_id int NOT NULL REFERENCES contacts,
  channel text NOT NULL,
  rank int NOT NULL,
  urgency smallint NOT NULL,
  created_at timestamptz NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead', 'unneeded')),
  attempts int NOT NULL,
  lost_answers int NOT NULL,
  lease_until timestamptz,
  detail text NOT NULL,            -- the provider's answer in short; never an address
  settled_at timestamptz,
  PRIMARY KEY (push_id, contact_id)
);
CREATE INDEX deliveries_open ON deliveries (channel, urgency, next_attempt_at) WHERE state IN ('waiting', 'sending');

CREATE INDEX deliveries_settled ON deliveries (settled_at) WHERE state IN ('sent', 'dead');

-- Links with which a person acknowledges without signing in: only the hash of the token is kept.
CREATE TABLE acknowledge_links (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  push_id uuid NOT NULL REFERENCES pushes,
  person_id int NOT NULL REFERENCES persons,
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE acknowledge_link_uses (
  token_sha256 bytea NOT NULL REFERENCES acknowledge_links,
  alert_id uuid NOT NULL REFERENCES alerts,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (token_sha256, alert_id)
);
