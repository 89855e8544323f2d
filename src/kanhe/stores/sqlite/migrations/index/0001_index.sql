-- What the journal holds about whom, and how often what happened. All of it follows from the journal
-- and can be made again from the first row on.

-- Tenants, types, outcomes, currencies, rules, countries, kinds of entity, and what staff do.
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

-- What most figures are told apart by, as one number. All four are words; `outcome` is `recorded`
-- for an event that nobody was asked about, and `noted` for what is no event.
CREATE TABLE codes (
  id INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  type INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  currency INTEGER NOT NULL,
  UNIQUE (tenant, type, outcome, currency)
) STRICT;

-- One row per row of the journal. `amount_minor` is in the currency of the code; `names` are the
-- numbers of all names that it mentions, as MessagePack.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  code INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  score INTEGER NOT NULL,
  country INTEGER NOT NULL,
  names BLOB NOT NULL
) STRICT;

-- Everyone and everything that has an id. A row goes when nothing mentions it any more. `heavy` says
-- that `tallies` has its figures, because counting its mentions each time would take too long; `claimed` that
-- somebody said of it what turned out to be true.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  value TEXT NOT NULL,
  kind INTEGER NOT NULL,
  events INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  heavy INTEGER NOT NULL DEFAULT 0,
  claimed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, value, kind)
) STRICT;

CREATE TABLE mentions (
  name INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  code INTEGER NOT NULL,
  PRIMARY KEY (name, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE tallies (
  name INTEGER NOT NULL,
  day INTEGER NOT NULL,
  code INTEGER NOT NULL,
  events INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (name, day, code)
) STRICT, WITHOUT ROWID;

-- How often within each second by receipt (`series` 1, the last quarter of an hour), each minute by
-- receipt (60, the last three days) and each hour by when it happened (3600, for ever). Rules by minute
-- and hour are 61 and 3601, countries 62 and 3602; `what` is their word, 0 for everything.
CREATE TABLE counts (
  series INTEGER NOT NULL,
  at INTEGER NOT NULL,
  what INTEGER NOT NULL,
  code INTEGER NOT NULL,
  events INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (series, at, what, code)
) STRICT, WITHOUT ROWID;

-- Which rules fired.
CREATE TABLE fired (
  rule INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (rule, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX fired_by_seq ON fired (seq, rule);

-- What people did: `who` is a name of the kind `staff`.
CREATE TABLE acts (
  seq INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  who INTEGER NOT NULL,
  act INTEGER NOT NULL,
  resource INTEGER NOT NULL
) STRICT;

CREATE INDEX acts_by_who ON acts (who, seq);

-- What an event turned out to be, by the claim that holds of all that are known.
CREATE TABLE truth (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  code INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  source INTEGER NOT NULL,
  known_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX truth_by_time ON truth (at_ms);

-- Up to which row of the journal all of this goes, and up to which line of its table `erased`.
CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  upto INTEGER NOT NULL,
  erased INTEGER NOT NULL
) STRICT;

INSERT INTO progress (id, upto, erased) VALUES (1, 0, 0);
