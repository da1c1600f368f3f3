-- What was done on a phone, perhaps without signal: each act once, by the id the phone gave it, with what the server made
-- of it. An act that met somebody else's is kept as it was meant, and so is the choice between the two (inspection/phone.py).
CREATE TABLE phone_acts (
  act_id uuid PRIMARY KEY,         -- made on the phone
  person_id int NOT NULL REFERENCES persons,
  verb text NOT NULL CHECK (verb IN ('begin', 'answer', 'find', 'conclude', 'recheck', 'report', 'keep')),
  institution_id int NOT NULL REFERENCES institutions,
  inspection_id uuid REFERENCES inspections DEFERRABLE INITIALLY DEFERRED,
  hazard_id uuid REFERENCES hazards DEFERRABLE INITIALLY DEFERRED,   -- what it was about, or what it opened
  based_on int NOT NULL CHECK (based_on >= 0),   -- the number of the last event of it that the phone knew
  body jsonb NOT NULL,
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),   -- of verb and body: the same id never stands for another act
  done_at timestamptz NOT NULL,    -- as the phone's clock had it, as the next
  sent_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  latitude double precision CHECK (latitude BETWEEN -90 AND 90),
  longitude double precision CHECK (longitude BETWEEN -180 AND 180),
  accuracy_m double precision CHECK (accuracy_m >= 0),
  outcome text NOT NULL CHECK (outcome IN ('done', 'same', 'conflict')),
  seq int,                         -- the event it became
  theirs int[] NOT NULL DEFAULT '{}',   -- the events it met, in a conflict
  settles uuid REFERENCES phone_acts,   -- the conflict it decides
  CHECK (inspection_id IS NOT NULL OR hazard_id IS NOT NULL),
  CHECK ((latitude IS NULL) = (longitude IS NULL)),
  CHECK ((outcome = 'done') = (seq IS NOT NULL)),
  CHECK ((outcome = 'conflict') = (cardinality(theirs) > 0)),
  CHECK ((verb = 'keep') <= (settles IS NOT NULL))
);
CREATE UNIQUE INDEX phone_acts_settled ON phone_acts (settles) WHERE settles IS NOT NULL AND outcome <> 'conflict';
CREATE INDEX phone_acts_inspection ON phone_acts (inspection_id, received_at) WHERE inspection_id IS NOT NULL;
CREATE INDEX phone_acts_hazard ON phone_acts (hazard_id, received_at) WHERE hazard_id IS NOT NULL;
CREATE TRIGGER phone_acts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON phone_acts
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- When and where a photo was taken, as data of ours: the picture itself is drawn anew and carries none. It goes only with a
-- photo that is never used.
CREATE TABLE photo_stamps (
  photo_id uuid PRIMARY KEY REFERENCES hazard_photos ON DELETE CASCADE,
  taken_at timestamptz NOT NULL,   -- as the phone's clock had it, as the next
  sent_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  latitude double precision CHECK (latitude BETWEEN -90 AND 90),
  longitude double precision CHECK (longitude BETWEEN -180 AND 180),
  accuracy_m double precision CHECK (accuracy_m >= 0),
  place_missing text CHECK (place_missing IN ('denied', 'unavailable', 'timeout', 'unsupported')),
  CHECK ((latitude IS NULL) = (longitude IS NULL)),
  CHECK ((latitude IS NULL) = (place_missing IS NOT NULL))
);
CREATE FUNCTION photo_stamp_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the stamp of a photo stays as it is' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER photo_stamps_are_kept BEFORE UPDATE ON photo_stamps FOR EACH ROW EXECUTE FUNCTION photo_stamp_is_kept();
CREATE TRIGGER photo_stamps_stay BEFORE TRUNCATE ON photo_stamps FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
