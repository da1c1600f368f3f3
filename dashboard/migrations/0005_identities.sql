-- Who somebody is at an OpenID Connect provider: its subject never changes hands, a name or an e-mail address may.
CREATE TABLE identities (
  user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
  issuer text NOT NULL,
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  linked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, issuer),
  UNIQUE (issuer, subject)
);

ALTER TABLE sessions ADD COLUMN way text NOT NULL DEFAULT 'password' CHECK (way IN ('password', 'oidc'));
