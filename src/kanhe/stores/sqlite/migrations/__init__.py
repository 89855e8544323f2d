"""The migrations: one folder per database, one numbered SQL file per step, never changed once released."""
