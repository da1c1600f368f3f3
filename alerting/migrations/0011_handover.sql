-- Handover between shifts (交接班): a desk is one institution's, or that of a region's duty centre. Neither signature is
-- ever changed; a note is put right by another that replaces it.
CREATE TABLE handovers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  institution_id int REFERENCES institutions,
  region text NOT NULL DEFAULT '' CHECK (region ~ '^([0-9]{2}){0,3}$'),
  since_at timestamptz NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  note text NOT NULL CHECK (length(note) <= 4000),
  facts jsonb NOT NULL,
  replaces bigint UNIQUE REFERENCES handovers,
  CHECK (institution_id IS NULL OR region = '')
);
CREATE INDEX handovers_by_desk ON handovers (institution_id, region, id DESC);

CREATE TABLE handover_take_overs (
  handover_id bigint PRIMARY KEY REFERENCES handovers,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  remark text NOT NULL CHECK (length(remark) <= 1000)
);

CREATE TRIGGER handovers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handovers
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
CREATE TRIGGER handover_take_overs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handover_take_overs
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();
