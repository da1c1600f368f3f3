-- Row-level security of who may sign in (docs/decisions/0018-row-level-security.md). Signing in itself, and whose a session
-- is, comes before anybody's reach is known: the service looks those up as the owner.
SELECT reach_guard('users', '(SELECT reach_all()) OR EXISTS (SELECT FROM persons p WHERE p.id = users.person_id
  AND (p.institution_id IS NOT NULL OR starts_with(p.region, (SELECT reach_region()))))');
SELECT reach_guard_child('sessions', 'user_id', 'users');
SELECT reach_settle();
