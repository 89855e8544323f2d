"""Rules and lists: what a policy pack says about an event, as signals.

`declare` reads `rules/*.kanhe`, `reasons` the sentences of a rule, `compile` makes one function per
event type, `lists` keeps what is denied, allowed and watched.
"""
