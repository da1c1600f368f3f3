-- Who signs in is a person: role and scope are the person's (alerting/migrations/0002_ledger_people.sql). Users from
-- before are administrators of everything.
ALTER TABLE users ADD COLUMN person_id int REFERENCES persons;
DO $$
DECLARE
  known record;
  made int;
BEGIN
  FOR known IN SELECT id, left(coalesce(nullif(display_name, ''), username), 100) AS name FROM users ORDER BY id LOOP
    INSERT INTO persons (name, role) VALUES (known.name, 'administrator') RETURNING id INTO made;
    UPDATE users SET person_id = made WHERE id = known.id;
  END LOOP;
END $$;
ALTER TABLE users ALTER COLUMN person_id SET NOT NULL;
ALTER TABLE users ADD CONSTRAINT users_one_per_person UNIQUE (person_id);
ALTER TABLE users DROP COLUMN role, DROP COLUMN display_name;
-- Given by somebody else: its owner has to choose another before anything else.
ALTER TABLE users ADD COLUMN password_one_time bool NOT NULL DEFAULT false;
