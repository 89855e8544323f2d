"""What is known of device and session of one request, and which cookies its answer sets."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from kanhe.connect.device import cookies
from kanhe.connect.device.cookies import RandomBytes, name_of, new_id, set_cookie, value_of
from kanhe.connect.device.keys import SigningKeys
from kanhe.connect.device.privacy import Respect, asks_for_privacy
from kanhe.connect.device.signals import HEADER, NO_SIGNALS, Signals, read_signals

SCRIPT_TYPE = "text/javascript; charset=utf-8"
_MOST_COOKIES = 16_384
"""A longer header is not searched: no browser sends one."""


class Seen(NamedTuple):
    """Device and session of one request."""

    device: str | None
    """The device's id; `None` where the visitor asked not to be tracked and the shop respects that so
    far."""
    session: str
    is_fresh_device: bool
    """Whether the device had no id before this request."""
    is_altered_device: bool
    """Whether it showed one that this shop had not signed."""
    signals: Signals
    set_cookies: tuple[str, ...]
    """Values of `Set-Cookie` for the answer."""
    is_private: bool
    """Whether the visitor asks not to be tracked, and that is respected."""

    def with_signals(self, text: str | None) -> Seen:
        """The same with what a form's hidden field holds, which a form of the shop always sends."""
        return self if self.is_private else self._replace(signals=read_signals(text))

    def fields(self) -> dict[str, Any]:
        """All that is known, named as the fields of events."""
        known: dict[str, Any] = {"device": self.device, "session": self.session}
        if self.device is not None:
            known["is_fresh_device"] = self.is_fresh_device
            known["is_altered_device"] = True if self.is_altered_device else None
        known |= msgspec.structs.asdict(self.signals)
        return {name: value for name, value in known.items() if value is not None}

    def fields_for(self, event_type: type[msgspec.Struct]) -> dict[str, Any]:
        """Those that events of this type (of `kanhe.client.events`) may have."""
        may = {field.name for field in msgspec.structs.fields(event_type)}
        return {name: value for name, value in self.fields().items() if name in may}


class Devices:
    """Ids for the visitors of one shop.

    - `keys`: secrets of at least 32 bytes, the newest first; see `keys.SigningKeys`.
    - `respect_privacy_signals`: see `privacy.Respect`.
    - `https`: whether visitors come over https, where a proxy hides it; `None` believes the request.
    - `script_path`: where the middlewares serve `kanhe.js`; empty for nowhere.
    """

    def __init__(
        self,
        keys: bytes | str | Iterable[bytes | str],
        *,
        respect_privacy_signals: Respect = "hints",
        https: bool | None = None,
        script_path: str = "/kanhe.js",
        clock: Callable[[], float] = time.time,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        if respect_privacy_signals not in ("none", "hints", "device"):
            raise ValueError("respect_privacy_signals is none, hints or device")
        self._keys = SigningKeys(keys)
        self._respect = respect_privacy_signals
        self._https = https
        self.script_path = script_path
        self._clock = clock
        self._random_bytes = random_bytes
        self.script = resources.files(__package__).joinpath("kanhe.js").read_bytes()
        """The script, as it is served."""

    def see(self, header: Callable[[str], str | None], *, is_https: bool) -> Seen:
        """Who comes with this request. `header` gives a header by its name in lower case; never raises
        for what a client sent."""
        secure = is_https if self._https is None else self._https
        now_s = int(self._clock())
        sent = read_cookies(header("cookie") or "")
        asked = self._respect != "none" and asks_for_privacy(header)
        answer: list[str] = []
        # A page's pictures and scripts come at the same moment as the page: if each made an id, the last
        # one would win.
        may_set = (header("sec-fetch-dest") or "document") in ("document", "empty")
        session = self._session(sent, secure, now_s, answer)
        signals = NO_SIGNALS if asked else read_signals(header(HEADER.lower()))
        if asked and self._respect == "device":
            name = name_of("device", secure=secure)
            if name in sent:
                answer.append(set_cookie(name, "", secure=secure, life_s=0))
            return Seen(None, session, False, False, signals, tuple(answer), True)
        device = self._device(sent, secure, now_s, answer)
        return Seen(
            device.id, session, device.fresh, device.altered, signals,
            tuple(answer) if may_set else (), asked,
        )  # fmt: skip

    def _session(
        self, sent: Mapping[str, list[str]], secure: bool, now_s: int, answer: list[str]
    ) -> str:
        name = name_of("session", secure=secure)
        found = cookies.read(self._keys, "session", sent.get(name, []), now_s)
        if found.id:
            return found.id
        id = new_id("session", self._random_bytes)
        value = value_of(self._keys, "session", id, now_s)
        answer.append(set_cookie(name, value, secure=secure, life_s=None))
        return id

    def _device(
        self, sent: Mapping[str, list[str]], secure: bool, now_s: int, answer: list[str]
    ) -> _Device:
        name = name_of("device", secure=secure)
        found = cookies.read(self._keys, "device", sent.get(name, []), now_s)
        id = found.id or new_id("device", self._random_bytes)
        if not found.id or found.renew:
            value = value_of(self._keys, "device", id, now_s)
            life_s = cookies.DEVICE_LIFE_S
            answer.append(set_cookie(name, value, secure=secure, life_s=life_s))
        return _Device(id, not found.id, found.altered)


class _Device(NamedTuple):
    id: str
    fresh: bool
    altered: bool


def read_cookies(header: str) -> dict[str, list[str]]:
    """The cookies of a request by name, all values of each in their order (RFC 6265, 5.4)."""
    found: dict[str, list[str]] = {}
    for part in header[:_MOST_COOKIES].split(";"):
        name, separator, value = part.strip(" \t").partition("=")
        if separator:
            found.setdefault(name, []).append(value.strip('"'))
    return found


def made_private(cache_control: str) -> str | None:
    """The `Cache-Control` of an answer that gets a cookie: for this visitor alone. A shared cache may keep
    what says nothing, cookie and all (RFC 9111, section 3), and make one device of many.

    `None` for an answer that is meant for everybody: it gets no cookie.
    """
    low = cache_control.lower()
    if "public" in low or "s-maxage" in low:
        return None
    if "private" in low or "no-store" in low:
        return cache_control
    return f"{cache_control}, private" if cache_control.strip() else "private"
