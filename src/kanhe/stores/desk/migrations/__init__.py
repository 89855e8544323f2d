"""The one history of the desk's schema; `versions/` holds its steps, each named after its number."""
