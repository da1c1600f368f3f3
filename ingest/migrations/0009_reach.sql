-- Row-level security (docs/decisions/0018-row-level-security.md). The setting anhu.reach says how far a transaction
-- reaches: 'all', 'region:2203', 'institution:12'; without it nothing is visible. The owner of the tables, as whom the
-- pipeline, the notifier and the workers come, is not held by the policies and pays nothing for them.
CREATE FUNCTION reach_all() RETURNS bool LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('anhu.reach', true) = 'all', false)
$$;
CREATE FUNCTION reach_institution() RETURNS int LANGUAGE sql STABLE AS $$
  SELECT substring(current_setting('anhu.reach', true) FROM '^institution:([0-9]{1,9})$')::int
$$;
-- NULL where the reach is no region; '' everywhere.
CREATE FUNCTION reach_region() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN reach_all() THEN '' ELSE substring(current_setting('anhu.reach', true) FROM '^region:([0-9]{2,6})$') END
$$;
-- Whether there is any reach at all.
CREATE FUNCTION reach_any() RETURNS bool LANGUAGE sql STABLE AS $$
  SELECT reach_region() IS NOT NULL OR reach_institution() IS NOT NULL
$$;

-- Put `tbl` behind a policy: rows for which `visible` holds are seen, those for which `writable` holds (by default the
-- same) are written. (SELECT …) around a function has it asked once a query, not once a row.
CREATE FUNCTION reach_guard(tbl regclass, visible text, writable text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl);
  IF writable IS NULL THEN
    EXECUTE format('CREATE POLICY reach ON %s USING (%s) WITH CHECK (%2$s)', tbl, visible);
  ELSE
    EXECUTE format('CREATE POLICY reach_read ON %s FOR SELECT USING (%s)', tbl, visible);
    EXECUTE format('CREATE POLICY reach_insert ON %s FOR INSERT WITH CHECK (%s)', tbl, writable);
    EXECUTE format('CREATE POLICY reach_update ON %s FOR UPDATE USING (%s) WITH CHECK (%2$s)', tbl, writable);
    EXECUTE format('CREATE POLICY reach_delete ON %s FOR DELETE USING (%s)', tbl, writable);
  END IF;
END $$;
-- A table that names its institution. Rows without one belong to the service itself.
CREATE FUNCTION reach_guard_institution(tbl regclass, col text DEFAULT 'institution_id') RETURNS void LANGUAGE sql AS $$
  SELECT reach_guard(tbl, format('(SELECT reach_all()) OR %I IN (SELECT id FROM institutions)', col))
$$;
-- A table whose rows belong to a row of another, which is guarded itself.
CREATE FUNCTION reach_guard_child(tbl regclass, col text, parent regclass, key text DEFAULT 'id') RETURNS void LANGUAGE sql AS $$
  SELECT reach_guard(tbl, format('(SELECT reach_all()) OR EXISTS (SELECT FROM %s reach_parent WHERE reach_parent.%I = %s.%I)',
    parent, key, tbl, col))
$$;

-- Whether the row `id` of `parent` lies beyond the reach: for what is written before the row it belongs to.
CREATE FUNCTION reach_refuses(parent regclass, id text) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE
  found bool;
BEGIN
  IF NOT reach_any() THEN
    RETURN true;
  END IF;
  EXECUTE format('SELECT reach_all() OR coalesce(i.id = reach_institution(), false)
      OR coalesce(starts_with(i.region, reach_region()), false)
    FROM %s p JOIN institutions i ON i.id = p.institution_id WHERE p.id = %L', parent, id) INTO found;
  RETURN NOT coalesce(found, true);  -- not there yet: it is held by its own policy when it comes
END $$;
-- Events come before the row that is their fold; each is seen with it.
CREATE FUNCTION reach_guard_event(tbl regclass, col text, parent regclass) RETURNS void LANGUAGE sql AS $$
  SELECT reach_guard(tbl, format('(SELECT reach_all()) OR EXISTS (SELECT FROM %s reach_parent WHERE reach_parent.id = %s.%I)',
    parent, tbl, col), format('(SELECT reach_all()) OR NOT reach_refuses(%L, %I::text)', parent::text, col))
$$;

-- Views ask as whoever asks them. Triggers that look at other rows, to keep a record right, see all of them: else somebody
-- out of reach would count as nobody. A migration that makes such a function or view calls this again at its end.
CREATE FUNCTION reach_settle() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  each record;
BEGIN
  FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p
      WHERE pronamespace = current_schema::regnamespace AND (prorettype = 'trigger'::regtype OR proname = 'reach_refuses')
        AND (NOT prosecdef OR proconfig IS NULL)
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e') LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', each.name, current_schema);
  END LOOP;
  FOR each IN SELECT c.oid::regclass AS name FROM pg_class c
      WHERE relnamespace = current_schema::regnamespace AND relkind = 'v'
        AND NOT coalesce(reloptions @> '{security_invoker=true}', false)
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e') LOOP
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', each.name);
  END LOOP;
END $$;

SELECT reach_guard('institutions', '(SELECT reach_all()) OR id = (SELECT reach_institution())
  OR starts_with(region, (SELECT reach_region()))');
SELECT reach_guard_institution('zones'), reach_guard_institution('devices');
SELECT reach_guard_child('points', 'device_id', 'devices');
SELECT reach_guard('unclaimed_devices', '(SELECT reach_all()) OR institution IN (SELECT code FROM institutions)');
-- What the service says of itself, and messages nobody could place.
SELECT reach_guard(tbl, '(SELECT reach_all())') FROM unnest(ARRAY[
  'dead_letters', 'dead_letter_totals', 'panels', 'panel_reports', 'panel_commands', 'drill_key']::regclass[]) tbl;

-- Readings, their rollups and packed days name a point and nothing else, and a policy would ask for it row by row (a chart of a
-- year has tens of thousands). They are closed to the role of requests instead: ingest/history.py asks for the points, which
-- are guarded, and then reads for those as the owner.
SELECT reach_settle();
