"""What stands in the cookies of device and session: `id.made.key.signature`, and nothing else.

The id is 128 random bits that say nothing; `made` is when the cookie was made, in seconds. A value that
does not hold is worth nothing, and whoever shows it is told apart from whoever shows none.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable
from typing import Literal, NamedTuple

from kanhe.connect.device.keys import SigningKeys

RandomBytes = Callable[[int], bytes]
What = Literal["device", "session"]

DEVICE_LIFE_S = 180 * 86_400
SESSION_LIFE_S = 12 * 3_600
RENEWED_AFTER_S = 30 * 86_400
"""A device's cookie that is older is made anew, with the same id, by the newest key."""
CLOCK_S = 300
"""How far in the future a cookie of another server's clock may be made."""
_LONGEST = 256
_VALUE = re.compile(r"((?:dv|se)-[a-z2-7]{26})\.([1-9][0-9]{0,11})\.([0-9a-f]{8})\.([0-9a-f]{64})")


class Read(NamedTuple):
    """What was found in a cookie."""

    id: str
    """Empty if the cookie is worth nothing."""
    altered: bool
    """Whether there was a value that this shop did not make."""
    renew: bool
    """Whether it should be made anew."""


NOTHING = Read("", False, False)


def name_of(what: What, *, secure: bool) -> str:
    """The cookie's name. `__Host-` keeps other hosts of the domain from setting it (RFC 6265bis, 4.1.3.2);
    browsers take it over https only."""
    return f"__Host-kanhe-{what}" if secure else f"kanhe-{what}"


def new_id(what: What, random_bytes: RandomBytes) -> str:
    """A new id."""
    prefix = "dv" if what == "device" else "se"
    return f"{prefix}-" + (b32encode(random_bytes(16)).decode("ascii").rstrip("=").lower())


def value_of(keys: SigningKeys, what: What, id: str, now_s: int) -> str:
    """The cookie's value, signed for this purpose only."""
    return f"{id}.{now_s}.{keys.sign(_signed(what, id, now_s))}"


def read(keys: SigningKeys, what: What, values: list[str], now_s: int) -> Read:
    """What the cookies of this name say; the first that holds counts.

    One that has expired, or is of a key that was taken away, is no sign of anything: as if it were not
    there. One whose signature does not fit, or that was never made by anybody's `value_of`, was altered.
    """
    altered = False
    for value in values:
        found = _VALUE.fullmatch(value) if len(value) <= _LONGEST else None
        if found is None:
            altered = altered or bool(value)
            continue
        id, made_s, key_id, mac = found[1], int(found[2]), found[3], found[4]
        if not keys.knows(key_id):
            continue
        if not keys.holds(_signed(what, id, made_s), key_id, mac):
            altered = True
            continue
        age_s = now_s - made_s
        if -CLOCK_S <= age_s < (DEVICE_LIFE_S if what == "device" else SESSION_LIFE_S):
            renew = what == "device" and (age_s >= RENEWED_AFTER_S or key_id != keys.newest)
            return Read(id, False, renew)
    return Read("", altered, False)


def set_cookie(name: str, value: str, *, secure: bool, life_s: int | None) -> str:
    """A `Set-Cookie` header: not for scripts, not for other sites' requests. Without `life_s` it ends with
    the browser; 0 takes it away."""
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if secure:
        parts.append("Secure")
    if life_s is not None:
        parts.append(f"Max-Age={life_s}")
    return "; ".join(parts)


def _signed(what: What, id: str, made_s: int) -> str:
    return f"kanhe {what} 1\n{id}\n{made_s}"
