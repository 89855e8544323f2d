-- What packs in shadow decided. Nobody who judges reads or writes this file.

-- `first` is the row behind which a pack began to judge, `upto` the last one it has judged.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  policy TEXT NOT NULL UNIQUE,
  base TEXT NOT NULL,
  first INTEGER NOT NULL,
  upto INTEGER NOT NULL
) STRICT;

-- How often the pack in force decided `live` and this one `shadow`.
CREATE TABLE agreement (
  run INTEGER NOT NULL,
  live TEXT NOT NULL,
  shadow TEXT NOT NULL,
  events INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (run, live, shadow)
) STRICT, WITHOUT ROWID;

-- Every decision with a reason, or with another outcome than that of the pack in force. `rules` is a
-- JSON array of ids. What is not here was decided `allow` by both, and no rule of this pack fired.
CREATE TABLE verdicts (
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  live TEXT NOT NULL,
  shadow TEXT NOT NULL,
  score INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  rules TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
