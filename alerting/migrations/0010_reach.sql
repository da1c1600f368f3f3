-- Row-level security of alarms, people and the desk (docs/decisions/0018-row-level-security.md).
ALTER TABLE persons DROP CONSTRAINT persons_role_check;
ALTER TABLE persons ADD CONSTRAINT persons_role_check CHECK (role IN ('operator', 'institution_manager', 'safety_officer',
  'inspector', 'expert', 'supervisor', 'auditor', 'administrator'));  -- 审计员: reads everything, changes nothing

SELECT reach_guard_institution(tbl) FROM unnest(ARRAY['alert_events', 'alerts', 'suppressions', 'pushes', 'drills', 'duty_checks',
  'plan_cards', 'residents_carried', 'residents_lists', 'floor_plans', 'floor_plan_marks']::regclass[]) tbl;
SELECT reach_guard_child('ladders', 'alert_id', 'alerts'), reach_guard_child('tellings', 'alert_id', 'alerts');
SELECT reach_guard_child('deliveries', 'push_id', 'tellings', 'push_id');
SELECT reach_guard(tbl, '(SELECT reach_all())') FROM unnest(ARRAY['acknowledge_links', 'acknowledge_link_uses']::regclass[]) tbl;

-- An act that concerns no institution is seen by whoever did it, and by those who are responsible for everything.
SELECT reach_guard('acts',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions) 
    OR (institution_id IS NULL AND actor = (SELECT current_setting(''anhu.actor'', true)))',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions) OR (institution_id IS NULL AND (SELECT reach_any()))');

-- Officials (no institution) act on institutions everywhere in their region, and are named where they did. How they are
-- reached is for those alone who are above them.
SELECT reach_guard('persons',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions) OR (institution_id IS NULL AND (SELECT reach_any()))',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions)
    OR (institution_id IS NULL AND starts_with(region, (SELECT reach_region())))');
SELECT reach_guard('contacts', '(SELECT reach_all()) OR EXISTS (SELECT FROM persons p WHERE p.id = contacts.person_id
  AND (p.institution_id IS NOT NULL OR starts_with(p.region, (SELECT reach_region()))))');
SELECT reach_guard('rotations',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions) OR (institution_id IS NULL AND (SELECT reach_any()))',
  '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions)
    OR (institution_id IS NULL AND starts_with(region, (SELECT reach_region())))');
SELECT reach_guard('stand_ins',
  '(SELECT reach_all()) OR EXISTS (SELECT FROM persons p WHERE p.id = stand_ins.absent_id)',
  '(SELECT reach_all()) OR EXISTS (SELECT FROM persons p WHERE p.id = stand_ins.absent_id
    AND (p.institution_id IS NOT NULL OR starts_with(p.region, (SELECT reach_region()))))');
SELECT reach_settle();
