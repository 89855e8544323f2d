CREATE TABLE devices (
  place BLOB PRIMARY KEY,
  tenant TEXT NOT NULL,
  user TEXT NOT NULL,
  seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE factors (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  user TEXT NOT NULL,
  kind TEXT NOT NULL,
  label TEXT NOT NULL,
  secret BLOB NOT NULL,
  credential BLOB NOT NULL,
  mark INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  confirmed_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  attempts_left INTEGER NOT NULL,
  code BLOB NOT NULL,
  used_ms INTEGER NOT NULL,
  authority TEXT NOT NULL,
  proof TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
  place BLOB PRIMARY KEY,
  failures INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE happenings (
  place BLOB NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  event_id TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL,
  problem TEXT NOT NULL
) STRICT;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE step_ups (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  user TEXT NOT NULL,
  purpose TEXT NOT NULL,
  order_ref TEXT NOT NULL,
  payee TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  decision TEXT NOT NULL,
  device TEXT NOT NULL,
  ip TEXT NOT NULL,
  session TEXT NOT NULL,
  language TEXT NOT NULL,
  methods TEXT NOT NULL,
  nonce BLOB NOT NULL,
  address BLOB NOT NULL,
  code BLOB NOT NULL,
  code_until_ms INTEGER NOT NULL,
  sends INTEGER NOT NULL,
  sent_ms INTEGER NOT NULL,
  attempts_left INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  passed_ms INTEGER NOT NULL,
  passed_by TEXT NOT NULL,
  confirmation BLOB NOT NULL,
  redeemable_until_ms INTEGER NOT NULL,
  redeemed_ms INTEGER NOT NULL,
  redemption TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_by_time ON devices (seen_ms);

CREATE INDEX devices_of_users ON devices (tenant, user);

CREATE UNIQUE INDEX factors_by_address ON factors (tenant, user, credential)
  WHERE confirmed_ms > 0 AND kind = 'mail';

CREATE UNIQUE INDEX factors_by_credential ON factors (tenant, credential)
  WHERE confirmed_ms > 0 AND kind = 'passkey';

CREATE INDEX factors_of_users ON factors (tenant, user);

CREATE INDEX failures_by_time ON failures (last_ms);

CREATE INDEX happenings_by_place ON happenings (place, at_ms);

CREATE INDEX happenings_by_time ON happenings (at_ms);

CREATE INDEX step_ups_by_end ON step_ups (expires_ms);

CREATE INDEX step_ups_of_users ON step_ups (tenant, user);

