-- Row-level security of hazards, inspections, ratings, reports and files (docs/decisions/0018-row-level-security.md).
SELECT reach_guard_institution(tbl) FROM unnest(ARRAY['hazards', 'hazard_photos', 'inspector_relations', 'inspections',
  'safety_records', 'ratings', 'institution_file_changes', 'institution_file_sections', 'fire_gaps', 'commitments',
  'page_publications', 'credit_entries', 'institution_document_events']::regclass[]) tbl;
SELECT reach_guard_event('hazard_events', 'hazard_id', 'hazards');
SELECT reach_guard_event(tbl, 'inspection_id', 'inspections') FROM unnest(ARRAY['inspection_team', 'inspection_events',
  'inspection_items', 'inspection_findings']::regclass[]) tbl;
SELECT reach_guard_event('credit_events', 'entry_id', 'credit_entries');
SELECT reach_guard_child('credit_publications', 'entry_id', 'credit_entries');
SELECT reach_guard_child('commitment_revocations', 'commitment_id', 'commitments');
SELECT reach_guard_child('commitment_reminders', 'commitment_id', 'commitments');

-- A campaign is for a region and concerns every institution in it; a draw knows all that could have been drawn.
SELECT reach_guard('campaigns', '(SELECT reach_all()) OR starts_with(region, (SELECT reach_region()))
    OR EXISTS (SELECT FROM institutions i WHERE starts_with(i.region, campaigns.region))',
  '(SELECT reach_all()) OR starts_with(region, (SELECT reach_region()))');
SELECT reach_guard('draws', '(SELECT reach_all()) OR starts_with(region, (SELECT reach_region()))');
SELECT reach_guard(tbl, format('(SELECT reach_all()) OR EXISTS (SELECT FROM draws WHERE draws.id = %s.draw_id)', tbl),
  '(SELECT reach_region()) IS NOT NULL') FROM unnest(ARRAY['draw_seeds', 'draw_events']::regclass[]) tbl;

-- Reasons are kept once for all ratings that have the same.
CREATE INDEX ratings_explanation ON ratings (explanation);
SELECT reach_guard('rating_explanations',
  '(SELECT reach_all()) OR EXISTS (SELECT FROM ratings r WHERE r.explanation = rating_explanations.sha256)', '(SELECT reach_any())');
SELECT reach_guard('report_versions', '(SELECT reach_all()) OR institution_id IN (SELECT id FROM institutions)
  OR (institution_id IS NULL AND starts_with(region, (SELECT reach_region())))');
SELECT reach_guard_child('report_signatures', 'version_id', 'report_versions');
SELECT reach_guard('service_accounts', '(SELECT reach_all())');
SELECT reach_settle();
