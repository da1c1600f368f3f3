-- Over how many shards the institutions are spread (docs/scale-out.md), and what each shard's session has been asked to
-- subscribe: whoever serves the shard next, on whatever machine, has to know what is to be unsubscribed.

-- Stated once, by the first pipeline that starts: workers of different opinions would leave institutions unheard.
CREATE TABLE shard_count (
  only_row bool PRIMARY KEY DEFAULT true CHECK (only_row),
  count int NOT NULL CHECK (count BETWEEN 1 AND 1000),
  stated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shard_subscriptions (
  of_count int NOT NULL,   -- sessions of another number of shards are others
  shard int NOT NULL,
  filters text[] NOT NULL,
  PRIMARY KEY (of_count, shard)
);
