-- The journal: all events in their one order.

-- Words that recur in many events stand once, and events refer to them by a small number.
CREATE TABLE tenants (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE types (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;

-- `archive` is NULL for a policy whose text was never handed over for keeping.
CREATE TABLE policies (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, archive BLOB) STRICT;

-- One row per segment: the events that became durable together, numbered `first` to `last`. `rows`
-- is compressed MessagePack: an array of events, each an array of tenant, type, policy, kind, at_ms,
-- received_ms, event_id, body, vector, answer, salt. `keys` has 8 bytes for each event, little-endian:
-- 63 bits of BLAKE2s over tenant and event id. It has no index on purpose: see `seen`.
CREATE TABLE journal (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  keys BLOB NOT NULL,
  rows BLOB NOT NULL
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
