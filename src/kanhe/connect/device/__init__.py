"""Device and session of a visitor, without spying: ids in cookies of the shop's own that it signs, and a
small script that says how a form was filled.

- `keys`: the shop's signing keys, and how they change.
- `cookies`: what stands in the two cookies, signed and checked.
- `signals`: what the script says, read with suspicion.
- `privacy`: what is left out for visitors who ask not to be tracked.
- `seen`: all of it for one request; the middlewares of `kanhe.connect.asgi`, `kanhe.connect.wsgi` and
  `kanhe.connect.django` call it.
- `kanhe.js`: the script.

Nothing here needs more than the standard library and `kanhe.client`.
"""

from kanhe.connect.device.keys import KeyMistake, SigningKeys
from kanhe.connect.device.privacy import Respect
from kanhe.connect.device.seen import Devices, Seen
from kanhe.connect.device.signals import FIELD, HEADER, Signals, read_signals

__all__ = [
    "FIELD",
    "HEADER",
    "Devices",
    "KeyMistake",
    "Respect",
    "Seen",
    "Signals",
    "SigningKeys",
    "read_signals",
]
