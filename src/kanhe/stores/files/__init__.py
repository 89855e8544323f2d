"""Plain files: snapshots of the state, the lock on the data folder, tables that a shop hands over."""
