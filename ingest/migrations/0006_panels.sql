-- Fire panels (GB/T 26875.3). The address of a transmission device is "gb26875/" and its six bytes in hex, of a system or
-- component behind it that and "/1.1" or "/1.1.2.10". The wire does not say for which institution one speaks.
CREATE UNIQUE INDEX devices_on_panels ON devices (address) WHERE address LIKE 'gb26875/%';

-- When each transmission device was last heard, how far its clock is ahead, and what of it was last denied.
CREATE TABLE panels (
  address text PRIMARY KEY,
  heard_at timestamptz NOT NULL,
  clock_ahead_s real,              -- NULL where its time cannot be read
  denied_at timestamptz,
  denied_for text NOT NULL DEFAULT ''
);

-- What panels said, object by object; kept for more than a year (GB 50440).
CREATE TABLE panel_reports (
  address text NOT NULL,
  received_at timestamptz NOT NULL,
  nth smallint NOT NULL,           -- of the objects of one frame
  serial int NOT NULL,
  type_flag smallint NOT NULL,
  place text NOT NULL,             -- '' the device itself, '1.1' a system, '1.1.2.10' a component
  component_type smallint,
  states text[] NOT NULL,
  description text NOT NULL,
  analog smallint,
  value double precision,
  operator smallint,
  said_at timestamptz,             -- the object's own time, by the panel's clock
  PRIMARY KEY (address, received_at, nth)
);
CREATE INDEX panel_reports_received ON panel_reports (received_at);

-- What people ask of panels (`anhu panel …`), carried out by the pipeline that holds the connection.
CREATE TABLE panel_commands (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  address text NOT NULL,
  type_flag smallint NOT NULL,
  unit bytea NOT NULL,             -- '' for the clock, whose unit is made when it is sent
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  taken_at timestamptz,
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('confirmed', 'answered', 'denied', 'unanswered', 'away')),
  answer bytea,                    -- the unit of the panel's answer
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX panel_commands_waiting ON panel_commands (id) WHERE taken_at IS NULL;
