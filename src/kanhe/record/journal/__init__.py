"""The journal: every event and decision, durable before anybody is answered."""
