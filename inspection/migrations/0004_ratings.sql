-- Safety credit rating (安全生产信用评价). Nothing here is ever changed or removed: a rating is worked out anew from the same
-- evidence and compared (`anhu rating verify`), so what it rested on has to stay.
CREATE TABLE rating_policies (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  policy text NOT NULL,
  version text NOT NULL,
  sha256 text NOT NULL,
  body text NOT NULL,              -- the TOML as loaded
  loaded_at timestamptz NOT NULL DEFAULT now(),
  loaded_by text NOT NULL
);
CREATE TRIGGER rating_policies_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rating_policies
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- What a bureau puts on record: accidents, penalties, honours, levels held. Another record withdraws one or says that the
-- institution has made it good.
CREATE TABLE safety_records (
  id uuid PRIMARY KEY,
  institution_id int NOT NULL REFERENCES institutions,
  kind text NOT NULL CHECK (kind IN ('accident', 'penalty', 'concealment', 'honour', 'standard', 'star', 'commitment', 'training',
                                     'drill', 'withdrawal', 'repair')),
  level text NOT NULL,
  occurred_at timestamptz NOT NULL,
  until_at timestamptz CHECK (until_at > occurred_at),
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  source text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
  about uuid REFERENCES safety_records,
  person_id int NOT NULL REFERENCES persons,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((about IS NOT NULL) = (kind IN ('withdrawal', 'repair'))),
  CHECK ((until_at IS NOT NULL) = (kind IN ('standard', 'star', 'commitment'))),
  CHECK (level = ANY (CASE kind
    WHEN 'accident' THEN ARRAY['general', 'larger', 'major', 'extreme']
    WHEN 'penalty' THEN ARRAY['warning', 'fine', 'suspension', 'revocation']
    WHEN 'honour' THEN ARRAY['county', 'city', 'province', 'state']
    WHEN 'standard' THEN ARRAY['1', '2', '3']
    WHEN 'star' THEN ARRAY['1', '2', '3', '4', '5']
    ELSE ARRAY[''] END))
);
CREATE INDEX safety_records_institution ON safety_records (institution_id, occurred_at DESC);
CREATE INDEX safety_records_about ON safety_records (about) WHERE about IS NOT NULL;
CREATE INDEX safety_records_recorded ON safety_records (recorded_at);
CREATE TRIGGER safety_records_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON safety_records
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE rating_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  as_of timestamptz NOT NULL,      -- the evidence is what was on record then
  policy_id int NOT NULL REFERENCES rating_policies,
  kind text NOT NULL CHECK (kind IN ('night', 'demand')),
  actor text NOT NULL,             -- 'policy' by night, else who asked
  ran_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (as_of <= ran_at)
);
CREATE UNIQUE INDEX rating_runs_one_a_night ON rating_runs (as_of) WHERE kind = 'night';
CREATE TRIGGER rating_runs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rating_runs
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- The reasons, kept once however many nights they stay the same.
CREATE TABLE rating_explanations (
  sha256 bytea PRIMARY KEY CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
  body text NOT NULL
);
CREATE TRIGGER rating_explanations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rating_explanations
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

CREATE TABLE ratings (
  run_id bigint NOT NULL REFERENCES rating_runs,
  institution_id int NOT NULL REFERENCES institutions,
  as_of timestamptz NOT NULL,
  score int NOT NULL,              -- hundredths of a point
  grade text NOT NULL,
  explanation bytea NOT NULL REFERENCES rating_explanations,
  inspections_per_year real NOT NULL,
  risk_weight real NOT NULL CHECK (risk_weight > 0),
  PRIMARY KEY (institution_id, as_of, run_id)
);
CREATE INDEX ratings_run ON ratings (run_id);
CREATE TRIGGER ratings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ratings
  FOR EACH STATEMENT EXECUTE FUNCTION records_are_append_only();

-- What the random draw of inspections needs of a rating; an institution that has none weighs 1.
CREATE VIEW institution_risk AS
  SELECT i.id AS institution_id, r.grade, r.as_of AS rated_at, coalesce(r.risk_weight, 1)::double precision AS risk_weight,
         r.inspections_per_year
  FROM institutions i LEFT JOIN LATERAL (
    SELECT grade, as_of, risk_weight, inspections_per_year FROM ratings WHERE institution_id = i.id
    ORDER BY as_of DESC, run_id DESC LIMIT 1) r ON true;
