-- Where a person wears a device that sends windows of acceleration: falls are judged by what was learnt for that place.
ALTER TABLE devices ADD COLUMN wear text NOT NULL DEFAULT '' CHECK (wear IN ('', 'waist', 'wrist', 'pocket'));
