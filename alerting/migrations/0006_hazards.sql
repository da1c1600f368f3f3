-- Messages that tell of something else than an alarm, a hazard's deadline for instance, go out by the same outbox.
ALTER TABLE pushes DROP CONSTRAINT pushes_form_check;
ALTER TABLE pushes ADD CONSTRAINT pushes_form_check
  CHECK (form IN ('alone', 'single', 'group', 'digest', 'test', 'notice'));

-- What hazards are judged by: what was raised at a place, what is on record of it, and which conditions hold for long.
CREATE INDEX alert_events_raised ON alert_events (institution_id, kind, at) WHERE verb = 'raise';
CREATE INDEX alerts_by_place ON alerts (institution_id, kind);
CREATE INDEX alerts_active ON alerts (kind, raised_at) WHERE active;
