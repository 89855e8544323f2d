"""Kanhe: the central security platform of an e-commerce platform.

The folders are the map; an event walks through them in this order:

- `app`: composition root (`witnessing` is that of a witness). Settings in, adapters picked, everything wired.
- `flow`: the path of one event, on one page.
- `learn`: away from the path: labels, training sets, models, drift, backtests.
- `replay`: the same path over old events, under the policy of their time or another.
- `core`: the words that cross rooms.
- `judge`: what is this event? intake, features, rules, policy, verdict.
- `record`: what happened, provably: the journal, and the log that outsiders check.
- `stores`: every port, per technology.
- `client`: what a shop installs to ask all this; it stands alone.
- `simulate`: a shop that lives, with attacks whose truth is known.
- `serve`: thin faces: the HTTP interface and the command line.
"""

__version__ = "0.1.0"
