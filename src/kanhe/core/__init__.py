"""The words that cross rooms: events, signals, decisions, money, time, errors and settings."""
