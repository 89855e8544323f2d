"""SQLite: the journal (`journal.db`) and the API keys (`keys.db`), one writer each."""
