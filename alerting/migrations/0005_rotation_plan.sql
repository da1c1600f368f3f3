-- One rotation for each role and place: two people who make one at the same moment cannot both succeed.
CREATE UNIQUE INDEX rotations_one_in_use ON rotations (role, coalesce(institution_id, 0), region) WHERE enabled;

-- A stand-in that was called off holds no longer; the record stays.
ALTER TABLE stand_ins ADD COLUMN ended_at timestamptz;
CREATE INDEX stand_ins_by_end ON stand_ins (until_at) WHERE ended_at IS NULL;

-- Whoever changes a card says which version they saw; so with the list of residents who cannot walk.
ALTER TABLE plan_cards ADD COLUMN version int NOT NULL DEFAULT 1;
CREATE TABLE residents_lists (
  institution_id int PRIMARY KEY REFERENCES institutions,
  version int NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  saved_by text NOT NULL
);
INSERT INTO residents_lists (institution_id, version, saved_by)
  SELECT DISTINCT institution_id, 1, 'anhu: migration' FROM residents_carried;

-- Floor plans (平面图), as re-encoded by us: the picture that was sent is not kept.
CREATE TABLE floor_plans (
  institution_id int NOT NULL REFERENCES institutions,
  floor int NOT NULL,
  version int NOT NULL,
  media_type text NOT NULL CHECK (media_type IN ('image/webp', 'image/svg+xml')),
  image bytea NOT NULL,
  width_px int NOT NULL CHECK (width_px > 0),
  height_px int NOT NULL CHECK (height_px > 0),
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  saved_by text NOT NULL,
  PRIMARY KEY (institution_id, floor)
);
-- Where on it a zone or a device is: shares of the width and of the height, from the upper left corner.
CREATE TABLE floor_plan_marks (
  institution_id int NOT NULL,
  floor int NOT NULL,
  zone_id int REFERENCES zones,
  device_id int REFERENCES devices,
  x real NOT NULL CHECK (x BETWEEN 0 AND 1),
  y real NOT NULL CHECK (y BETWEEN 0 AND 1),
  CHECK ((zone_id IS NULL) <> (device_id IS NULL)),
  FOREIGN KEY (institution_id, floor) REFERENCES floor_plans ON DELETE CASCADE
);
CREATE UNIQUE INDEX floor_plan_marks_of_zone ON floor_plan_marks (zone_id) WHERE zone_id IS NOT NULL;
CREATE UNIQUE INDEX floor_plan_marks_of_device ON floor_plan_marks (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX floor_plan_marks_by_plan ON floor_plan_marks (institution_id, floor);
