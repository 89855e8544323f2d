"""Sessions: a secret in a cookie, and on our side all that it stands for.

The secret is 256 random bits, of which only the hash is kept. A session ends when it was not used for
a while, when it is too old whatever happened (SP 800-63B-4, section 2.2.3), when its owner or
somebody who manages staff ends it, and when its owner is disabled. Signing in makes a new one, and so
does showing a second factor again: a secret that somebody planted or saw before is worth nothing
afterwards.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from kanhe.core.time import MINUTE_MS

Method = Literal["password", "passkey", "recovery", "sso", "link"]
"""How somebody signed in: a password and a code, a passkey, a password and a recovery code, the
company's single sign-on, or a link from whoever runs the server."""

TOUCH_MS = MINUTE_MS
"""Use of a session is written down at most this often."""


class Limits(NamedTuple):
    """How long a session lasts."""

    idle_ms: int
    absolute_ms: int
    fresh_ms: int
    """How long a second factor counts for what is dangerous."""


class Session(NamedTuple):
    """One sign-in, as it stands."""

    handle: str
    """Its name, which is no secret."""
    staff: str
    method: Method
    second_factor: bool
    created_ms: int
    seen_ms: int
    factor_ms: int
    """When the second factor was last shown."""
    ended_ms: int
    """0 while it goes on."""
    ip: str
    device: str
    """What the browser says it is, in few words."""


def is_open(session: Session, now_ms: int, limits: Limits) -> bool:
    """Whether the session still stands. A clock that was set back prolongs nothing: what lies in the
    future counts as now."""
    if session.ended_ms:
        return False
    idle = now_ms - session.seen_ms
    age = now_ms - session.created_ms
    return idle < limits.idle_ms and age < limits.absolute_ms


def is_fresh(session: Session, now_ms: int, limits: Limits) -> bool:
    """Whether the second factor was shown so lately that what is dangerous needs no other."""
    return 0 <= now_ms - session.factor_ms < limits.fresh_ms


def device_of(user_agent: str) -> str:
    """A browser in few words, such as `Chrome · Windows`: enough to know one's own by.

    Only known words come out, whatever was sent.
    """
    text = user_agent[:512]
    browsers = (
        ("Edg/", "Edge"), ("OPR/", "Opera"), ("MicroMessenger", "WeChat"), ("QQBrowser", "QQ Browser"),
        ("Firefox/", "Firefox"), ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )  # fmt: skip
    systems = (
        ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
        ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("HarmonyOS", "HarmonyOS"), ("Linux", "Linux"),
    )  # fmt: skip
    named = (
        next((name for mark, name in known if mark in text), "") for known in (browsers, systems)
    )
    return " · ".join(name for name in named if name)
