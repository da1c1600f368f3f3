-- Sessions that can be told apart and ended one by one.
ALTER TABLE sessions ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE sessions ADD COLUMN device text NOT NULL DEFAULT '' CHECK (length(device) <= 60); -- browser and system
ALTER TABLE sessions ADD COLUMN second_factor bool NOT NULL DEFAULT false;                    -- opened with one

-- Who signs in with a code as well (RFC 6238). The secret is sealed with a key that is not in the database.
CREATE TABLE second_factors (
  user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  sealed_secret bytea NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  confirmed_at timestamptz,                 -- a code of it was shown; before that it is not asked for
  used_step bigint NOT NULL DEFAULT 0       -- the newest time step whose code was taken: none of it, or before, comes again
);

-- For the day the phone is lost: 79 random bits each, so that a plain hash keeps them.
CREATE TABLE recovery_codes (
  user_id int NOT NULL REFERENCES second_factors ON DELETE CASCADE,
  code_sha256 bytea NOT NULL CHECK (octet_length(code_sha256) = 32),
  used_at timestamptz,
  PRIMARY KEY (user_id, code_sha256)
);

-- What a person lets a program do in their name: never more than they may themselves when it asks.
CREATE TABLE access_tokens (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  scopes text[] NOT NULL CHECK (cardinality(scopes) >= 1),
  token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX access_tokens_by_user ON access_tokens (user_id, id DESC);
