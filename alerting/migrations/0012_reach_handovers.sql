-- Row-level security of handovers (docs/decisions/0018-row-level-security.md): a region's duty centre is for those whose
-- reach it lies in.
SELECT reach_guard('handovers', '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions)
  OR (institution_id IS NULL AND starts_with(region, (SELECT reach_region())))');
SELECT reach_guard_child('handover_take_overs', 'handover_id', 'handovers');
SELECT reach_settle();
