"""Notices from outside, and whether they are from whom they say: one module per way of signing.

All of it is pure: the time is passed in, nothing is kept, and who may compare what in which time is
decided here (`evidence`). A function that checks gives the notices of a request, or raises a refusal
that names what is wrong and never what would have been right.

- `evidence`: headers that must stand once, signatures, timestamps, keys; what is refused.
- `reading`: JSON and forms, read exactly.
- `credentials`: the secrets and keys of one source, and how people write them.
- `providers`: who signs how, and what each wants to hear.
- `signing`: the same the other way round, for trying a source out.
"""
