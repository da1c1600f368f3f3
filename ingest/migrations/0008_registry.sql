-- Which quantities an unregistered device has sent so far: what it is suggested to be registered with.
ALTER TABLE unclaimed_devices ADD COLUMN quantities text[] NOT NULL DEFAULT '{}';

-- When a device was put up, and when it has to be tested next (NULL: nobody has said).
ALTER TABLE devices ADD COLUMN installed_on date;
ALTER TABLE devices ADD COLUMN test_due_on date CHECK (test_due_on >= installed_on);
CREATE INDEX devices_test_due ON devices (test_due_on) WHERE test_due_on IS NOT NULL;
