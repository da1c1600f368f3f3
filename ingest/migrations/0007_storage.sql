-- Rollups, packed days, and how far both have got (docs/decisions/0013-storage.md).

-- What was measured before `rolling_until` when it is stored is late: its hour is marked in rollup_late, in the same
-- transaction. What was measured before `packing_until` goes to readings_late, and no more to readings. A writer of readings
-- holds the row FOR SHARE to its commit, so whoever moves a boundary on has waited for all that were stored by the old one.
CREATE TABLE storage_boundaries (
  only_row bool PRIMARY KEY DEFAULT true CHECK (only_row),
  rolling_until timestamptz NOT NULL,
  packing_until timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00Z'
);
INSERT INTO storage_boundaries (rolling_until)
  SELECT date_trunc('hour', coalesce(min(range_start), now()), 'UTC')
  FROM timescaledb_information.chunks WHERE hypertable_name = 'readings' AND hypertable_schema = current_schema;

-- A table of its own: no writer of readings is to wait for its changes, which are flushed.
CREATE TABLE storage_progress (
  only_row bool PRIMARY KEY DEFAULT true CHECK (only_row),
  rolled_until timestamptz NOT NULL,   -- the rollups hold what was measured before, but for the marked hours
  minutes_since timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00Z',  -- older minutes have been dropped
  night_at timestamptz                 -- the last night that was packed and cleared
);
INSERT INTO storage_progress (rolled_until) SELECT rolling_until FROM storage_boundaries;

-- Hours to be rolled up once more, each of a run of points. No key: a mark must never wait for the one who works marks
-- off, and there are few of them.
CREATE TABLE rollup_late (hour timestamptz NOT NULL, first_point int NOT NULL, last_point int NOT NULL);

-- Good readings of one point in one minute, and in one hour; the mean is total / count.
CREATE TABLE readings_1min (
  bucket timestamptz NOT NULL,     -- its beginning
  point_id int NOT NULL,
  count int NOT NULL,
  low real NOT NULL,
  high real NOT NULL,
  last real NOT NULL,
  total double precision NOT NULL,
  last_at timestamptz NOT NULL
);
SELECT create_hypertable('readings_1min', by_range('bucket', INTERVAL '1 day'), create_default_indexes => false);
CREATE UNIQUE INDEX readings_1min_point_time ON readings_1min (point_id, bucket);
CREATE TABLE readings_1h (LIKE readings_1min);
SELECT create_hypertable('readings_1h', by_range('bucket', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX readings_1h_point_time ON readings_1h (point_id, bucket);

-- A closed day (UTC) of a point in one row. Its i-th reading was measured at
--   first_at + (gap[1] + … + gap[i] + step * (i - 1)) * unit_us,  with gap[1] = 0,
-- step being the smallest distance between two readings. Gaps and delays are in the narrowest type that holds them all.
CREATE TABLE readings_packed (
  day date NOT NULL,
  point_id int NOT NULL,
  count int NOT NULL,
  unit_us int NOT NULL CHECK (unit_us IN (1, 1000)),
  step bigint NOT NULL,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  gap2 smallint[],
  gap4 int[],
  gap8 bigint[],
  value real[] NOT NULL,
  delay2 smallint[],
  delay4 int[],
  quality smallint[],              -- NULL where all are good
  CHECK (num_nonnulls(gap2, gap4, gap8) = 1 AND num_nonnulls(delay2, delay4) = 1)
) WITH (toast_tuple_target = 256);
SELECT create_hypertable('readings_packed', by_range('day', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX readings_packed_point_day ON readings_packed (point_id, day);

-- What came after its day was closed, until the next packing.
CREATE TABLE readings_late (LIKE readings, PRIMARY KEY (point_id, measured_at));

-- How many readings each packed day has.
CREATE TABLE packed_days (day date PRIMARY KEY, readings bigint NOT NULL, packed_at timestamptz NOT NULL DEFAULT now());

CREATE VIEW readings_unpacked AS
  SELECT p.day, p.point_id, p.last_at, e.measured_at, e.value, e.delay_ms, e.quality
  FROM readings_packed p CROSS JOIN LATERAL (
    SELECT p.first_at
        + (sum(u.gap::float8) OVER (ORDER BY u.no) + p.step::float8 * (u.no - 1)) * p.unit_us * interval '1 us'
        AS measured_at,
      u.value, u.delay_ms, u.quality
    FROM unnest(coalesce(p.gap2::bigint[], p.gap4::bigint[], p.gap8), p.value, coalesce(p.delay2::int[], p.delay4),
      p.quality) WITH ORDINALITY AS u (gap, value, delay_ms, quality, no)
  ) AS e;

-- A late reading that the packed day, or a closed day not yet packed, has already does not count.
-- OFFSET 0 keeps the planner from unpacking whole days, or reading all of readings, for a handful of late ones.
CREATE VIEW readings_late_new AS
  SELECT l.* FROM readings_late l
  WHERE NOT EXISTS (
      SELECT FROM readings_unpacked p WHERE p.point_id = l.point_id
      AND p.day = (l.measured_at AT TIME ZONE 'UTC')::date AND p.measured_at = l.measured_at OFFSET 0)
    AND NOT EXISTS (SELECT FROM readings r WHERE r.point_id = l.point_id AND r.measured_at = l.measured_at OFFSET 0);

-- Every stored reading measured in [since, until), wherever it is kept: of `points`, and of all points. Simple on purpose:
-- PostgreSQL puts such functions into the query that asks them, and finds the chunks by the times given.
CREATE FUNCTION readings_of(points int[], since timestamptz, until timestamptz)
RETURNS TABLE (measured_at timestamptz, point_id int, value real, delay_ms int, quality smallint)
LANGUAGE sql STABLE AS $$
  SELECT r.measured_at, r.point_id, r.value, r.delay_ms, r.quality FROM readings r
    WHERE r.point_id = ANY (points) AND r.measured_at >= since AND r.measured_at < until
  UNION ALL
  SELECT p.measured_at, p.point_id, p.value, p.delay_ms, p.quality FROM readings_unpacked p
    WHERE p.point_id = ANY (points) AND p.measured_at >= since AND p.measured_at < until
      AND p.day >= (since AT TIME ZONE 'UTC')::date AND p.day <= (until AT TIME ZONE 'UTC')::date
  UNION ALL
  SELECT l.measured_at, l.point_id, l.value, l.delay_ms, l.quality FROM readings_late_new l
    WHERE l.point_id = ANY (points) AND l.measured_at >= since AND l.measured_at < until
$$;
CREATE FUNCTION readings_within(since timestamptz, until timestamptz)
RETURNS TABLE (measured_at timestamptz, point_id int, value real, delay_ms int, quality smallint)
LANGUAGE sql STABLE AS $$
  SELECT r.measured_at, r.point_id, r.value, r.delay_ms, r.quality FROM readings r
    WHERE r.measured_at >= since AND r.measured_at < until
  UNION ALL
  SELECT p.measured_at, p.point_id, p.value, p.delay_ms, p.quality FROM readings_unpacked p
    WHERE p.measured_at >= since AND p.measured_at < until
      AND p.day >= (since AT TIME ZONE 'UTC')::date AND p.day <= (until AT TIME ZONE 'UTC')::date
  UNION ALL
  SELECT l.measured_at, l.point_id, l.value, l.delay_ms, l.quality FROM readings_late_new l
    WHERE l.measured_at >= since AND l.measured_at < until
$$;
-- For SQL tools; give them the functions where a table is large, as a view cannot find the packed days by time.
CREATE VIEW readings_all AS SELECT * FROM readings_within('-infinity', 'infinity');
