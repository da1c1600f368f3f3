-- Row-level security of what phones send (docs/decisions/0018-row-level-security.md).
SELECT reach_guard_institution('phone_acts'), reach_guard_child('photo_stamps', 'photo_id', 'hazard_photos');
SELECT reach_settle();
