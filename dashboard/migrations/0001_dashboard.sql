-- Who may sign in.
CREATE TABLE users (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
  display_name text NOT NULL,
  role text NOT NULL CHECK (role IN ('administrator')),
  password_hash text NOT NULL,     -- argon2id, with its parameters and salt
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Who is signed in. The token itself is only in the browser: who reads this table cannot become anybody.
CREATE TABLE sessions (
  token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
  user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  address text NOT NULL            -- where the sign-in came from
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
