-- The key with which the service signs its calls for drills, drawn here: a device has none of it, and cannot pass an alarm
-- off as a drill.
CREATE TABLE drill_key (only_row bool PRIMARY KEY DEFAULT true CHECK (only_row), key bytea NOT NULL);
INSERT INTO drill_key (key)
  SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
