"""What is learned away from the path of an event: labels, training sets.

- `labels`: what is known about one event, and about all of them.
- `dataset`: training sets.

Nothing here runs in the process that judges. Files come in and go out through ports.
"""
