-- Messages that tell of something else than an alarm, a hazard's deadline for instance, go out by the same outbox.
ALTER TABLE pushes DROP CONSTRAINT pushes_form_check;
ALTER TABLE pushes ADD CONSTRAINT pushes_form_check
  CHECK (form IN ('alone', 'single', 'group', 'digest', 'test', 'notice'));
