"""Plain files: snapshots of the state, the log, keys, the lock on a folder, tables that a shop hands over."""
