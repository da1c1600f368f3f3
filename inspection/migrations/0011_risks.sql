-- 自主评估: the institution's own assessment of its risks is a section of its file, with documents as any other.
ALTER TABLE institution_file_changes DROP CONSTRAINT institution_file_changes_section_check;
ALTER TABLE institution_file_changes ADD CONSTRAINT institution_file_changes_section_check
  CHECK (section IN ('identity', 'beds', 'building', 'fire_acceptance', 'licences', 'star', 'responsibles', 'contacts', 'trainings',
                     'equipment', 'risks'));
CREATE VIEW file_risks AS SELECT s.institution_id, s.version, s.changed_at, r.* FROM institution_file_sections s,
  jsonb_to_recordset(s.rows) AS r(risk text, place text, level text, measures text, owner text, assessed_on date)
  WHERE s.section = 'risks';
ALTER TABLE institution_document_events DROP CONSTRAINT institution_document_events_section_check;
ALTER TABLE institution_document_events ADD CONSTRAINT institution_document_events_section_check
  CHECK (section IN ('identity', 'beds', 'building', 'fire_acceptance', 'licences', 'star', 'responsibles', 'contacts', 'trainings',
                     'equipment', 'risks', 'plans', 'drills', 'general'));
