-- The alarm of a device that nobody has registered: its code, '' for those without an alert of their own; NULL otherwise.
ALTER TABLE alert_events ADD COLUMN unclaimed text CHECK (length(unclaimed) <= 128);
ALTER TABLE alerts ADD COLUMN unclaimed text;
DROP INDEX alerts_one_open;
CREATE UNIQUE INDEX alerts_one_open
  ON alerts (coalesce(institution_id, 0), coalesce(device_id, 0), kind, drill, unclaimed) NULLS NOT DISTINCT WHERE open;
