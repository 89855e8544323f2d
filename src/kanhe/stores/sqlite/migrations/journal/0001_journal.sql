-- The journal: one row per event, in the one order of all events.

-- Words that recur in many rows stand once, and rows refer to them by a small number.
CREATE TABLE tenants (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE types (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

-- `archive` is NULL for a policy whose text was never handed over for keeping.
CREATE TABLE policies (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, archive BLOB) STRICT;

-- `key` is 63 bits of BLAKE2s over tenant and event id. It has no index on purpose: see `seen`.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  type INTEGER NOT NULL,
  policy INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  body BLOB NOT NULL,
  vector BLOB NOT NULL,
  answer BLOB NOT NULL
) STRICT;

-- Messages leave from here, in the order of `id`.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;

-- Where the event of a key stands. Filled behind the journal, in key order, epoch by epoch.
CREATE TABLE seen (
  epoch INTEGER NOT NULL,
  key INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (epoch, key, seq)
) STRICT, WITHOUT ROWID;

-- `seen` is complete for rows up to `upto`; of the generation after it, for the first `parts` parts.
CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  upto INTEGER NOT NULL,
  parts INTEGER NOT NULL
) STRICT;

INSERT INTO progress (id, upto, parts) VALUES (1, 0, 0);
