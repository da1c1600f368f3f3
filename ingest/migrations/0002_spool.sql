-- How far each pipeline's spool has been brought in, written with what was brought: a crash between the commit and the
-- clearing of the spool then brings nothing in twice.
CREATE TABLE spool_progress (spool uuid PRIMARY KEY, number bigint NOT NULL);
