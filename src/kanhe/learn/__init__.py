"""What is learned away from the path of an event: labels, training sets, drift.

- `labels`: what is known about one event, and about all of them.

Nothing here runs in the process that judges. Files come in and go out through ports.
"""
