"""SQLite: the journal (`journal.db`) and the desk (`desk.db`), one writer each."""
