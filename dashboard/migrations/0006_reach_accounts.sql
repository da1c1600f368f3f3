-- Row-level security of second factors, tokens and identities (docs/decisions/0018-row-level-security.md): with whose they are.
SELECT reach_guard_child(tbl, 'user_id', 'users')
  FROM unnest(ARRAY['second_factors', 'recovery_codes', 'access_tokens', 'identities']::regclass[]) tbl;
SELECT reach_settle();
