"""Features: what is known of everyone an event names, computed by one kernel everywhere.

`declare` reads the declarations, `program` lays them out as tables for the kernel, `encode` turns
events into the kernel's inputs, `kernel` does the work over preallocated memory, `memory` owns that
memory, and `live` is what the path of an event calls. The semantics are in `docs/features.md`.
"""
