-- Who reports: institution → zone → device → point.
CREATE TABLE institutions (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  name text NOT NULL,
  name_en text NOT NULL DEFAULT '',
  kind text NOT NULL CHECK (kind IN ('nursing_home', 'rescue_station', 'child_welfare', 'other')),
  region text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE zones (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  code text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  name text NOT NULL,
  name_en text NOT NULL DEFAULT '',
  kind text NOT NULL CHECK (kind IN ('bedroom', 'kitchen', 'corridor', 'dining', 'activity', 'laundry', 'boiler_room',
                                     'dormitory', 'office', 'storage', 'other')),
  floor int NOT NULL DEFAULT 1,
  UNIQUE (institution_id, code),
  UNIQUE (institution_id, id)
);
CREATE TABLE devices (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  zone_id int NOT NULL,
  code text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('smoke', 'heat', 'gas', 'co', 'fall', 'sos', 'multi')),
  model text NOT NULL DEFAULT '',
  report_interval_s int NOT NULL CHECK (report_interval_s BETWEEN 1 AND 86400),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (institution_id, code),
  -- a device stands in a zone of its own institution
  FOREIGN KEY (institution_id, zone_id) REFERENCES zones (institution_id, id)
);
CREATE TABLE points (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device_id int NOT NULL REFERENCES devices,
  quantity text NOT NULL,
  unit text NOT NULL,
  UNIQUE (device_id, quantity)
);

-- Every change of the registry moves this on, so that a running pipeline knows when to read it again.
CREATE TABLE registry_version (only_row bool PRIMARY KEY DEFAULT true CHECK (only_row), version bigint NOT NULL);
INSERT INTO registry_version (version) VALUES (1);

-- Readings. Small rows on purpose (docs/decisions): the arrival is kept as a delay, a good quality as NULL, and there is
-- no index but the one that keeps a reading from being stored twice.
CREATE TABLE readings (
  measured_at timestamptz NOT NULL,
  point_id int NOT NULL,
  value real NOT NULL,
  delay_ms int NOT NULL,
  quality smallint
);
SELECT create_hypertable('readings', by_range('measured_at', INTERVAL '1 day'), create_default_indexes => false);
CREATE UNIQUE INDEX readings_point_time ON readings (point_id, measured_at);

-- What could not become a reading, with its reason.
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL,
  topic text NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  payload bytea NOT NULL,          -- its first bytes
  payload_bytes int NOT NULL       -- its whole length
);
CREATE TABLE dead_letter_totals (reason text PRIMARY KEY, count bigint NOT NULL);

-- What reported without being registered, with the last thing it said.
CREATE TABLE unclaimed_devices (
  institution text NOT NULL,
  device text NOT NULL,
  quantity text NOT NULL,          -- '' where the whole device is unknown
  reason text NOT NULL CHECK (reason IN ('institution_unknown', 'device_unknown', 'quantity_unregistered')),
  first_seen_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  message_count bigint NOT NULL,
  last_topic text NOT NULL,
  last_payload bytea NOT NULL,
  PRIMARY KEY (institution, device, quantity)
);

-- The pipeline's sign of life, one row a shard.
CREATE TABLE pipeline_heartbeats (
  shard int PRIMARY KEY,
  at timestamptz NOT NULL,
  started_at timestamptz NOT NULL,
  pid int NOT NULL,
  messages bigint NOT NULL,
  readings bigint NOT NULL,
  dead_letters bigint NOT NULL,
  inbox_count int NOT NULL,
  lag_ms int NOT NULL
);
