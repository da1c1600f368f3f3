-- Which quantities an unregistered device has sent so far: what it is suggested to be registered with.
ALTER TABLE unclaimed_devices ADD COLUMN quantities text[] NOT NULL DEFAULT '{}';
