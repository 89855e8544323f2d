-- Sources of notices. Their secrets and keys are sealed with the key of the installation.
CREATE TABLE hook_sources (
  name TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  provider TEXT NOT NULL,
  mapping TEXT NOT NULL,
  account TEXT NOT NULL,
  rate_per_s REAL NOT NULL,
  sealed BLOB NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
