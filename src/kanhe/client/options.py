"""How a client is set up: every option with its bounds, checked once, the key never shown."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from kanhe.client.decision import OUTCOME_OF, Outcome
from kanhe.client.errors import ConfigError
from kanhe.client.events import BY_TYPE

ANY = "*"
"""Stands in a fallback for every type that is not named there."""

_KEY = re.compile(r"kanhe_[A-Za-z0-9_\-]{1,500}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_NEAR = 0.85


class Options(NamedTuple):
    """What `Kanhe` and `AsyncKanhe` were told, in the form they work with."""

    url: str
    """Scheme, host, port and path, without a slash at the end."""
    key: str
    timeout_s: float
    fallback: Mapping[str, Outcome]
    queue: Path | None
    queue_max: int
    queue_sync: str
    close_timeout_s: float
    breaker_failures: int
    breaker_pause_s: float
    breaker_longest_s: float

    def fallback_for(self, event_type: str) -> Outcome | None:
        """The declared answer for a type; None if there is none."""
        return self.fallback.get(event_type) or self.fallback.get(ANY)

    def __repr__(self) -> str:
        return f"<options for {self.url}>"


def read_options(
    url: str,
    key: str,
    *,
    fallback: Mapping[str, str] | None,
    queue: str | os.PathLike[str] | None,
    timeout: float,
    queue_max: int,
    queue_sync: str,
    close_timeout: float,
    breaker_failures: int,
    breaker_pause: float,
    breaker_longest: float,
    insecure: bool,
) -> Options:
    """Check what a client is told; raises `ConfigError`, which says what to change."""
    _within("timeout", timeout, 0.01, 60.0)
    _within("close_timeout", close_timeout, 0.0, 600.0)
    _within("queue_max", queue_max, 1, 10_000_000)
    _within("breaker_failures", breaker_failures, 1, 1_000_000)
    _within("breaker_pause", breaker_pause, 0.01, 3600.0)
    _within("breaker_longest", breaker_longest, breaker_pause, 86_400.0)
    if queue_sync not in ("normal", "full"):
        raise ConfigError(f"queue_sync is 'normal' or 'full', got {queue_sync!r:.80}")
    return Options(
        url=_url(url, bool(key), insecure),
        key=_key(key),
        timeout_s=float(timeout),
        fallback=_fallback(fallback or {}),
        queue=None if queue is None else _file(queue),
        queue_max=queue_max,
        queue_sync=queue_sync,
        close_timeout_s=float(close_timeout),
        breaker_failures=breaker_failures,
        breaker_pause_s=float(breaker_pause),
        breaker_longest_s=float(breaker_longest),
    )


def _within(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ConfigError(f"{name} is a number from {least:g} to {most:g}, got {value!r:.80}")


def _url(url: str, has_key: bool, insecure: bool) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"url is not an address such as https://kanhe.example: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(
            "url is an address such as https://kanhe.example or http://127.0.0.1:8080"
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError("url holds a user or a password; give the key as key=…")
    if parts.query or parts.fragment or not url.isascii() or any(c.isspace() for c in url):
        raise ConfigError("url is scheme, host, port and path only, in ASCII")
    if port == 0:
        raise ConfigError("url has port 0, which is nobody's")
    if parts.scheme == "http" and not insecure and not _is_here(host):
        what = "the key and the events" if has_key else "the events"
        raise ConfigError(
            f"http://{host} would send {what} readable over the network: use https://, or insecure=True "
            "if something else seals this way"
        )
    return SplitResult(parts.scheme, parts.netloc, parts.path.rstrip("/"), "", "").geturl()


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(key: object) -> str:
    # The message must not repeat what was given: it is likely to be a secret with a typing mistake.
    if not isinstance(key, str) or (key and not _KEY.fullmatch(key)):
        raise ConfigError(
            "key is what `kanhe keys create` printed, kanhe_… without spaces or line ends "
            "(empty for a server that asks for none)"
        )
    return key


def _fallback(declared: Mapping[str, str]) -> Mapping[str, Outcome]:
    if not isinstance(declared, Mapping):
        raise ConfigError(
            "fallback is a mapping such as {'payment.attempted': 'hold', '*': 'allow'}"
        )
    found: dict[str, Outcome] = {}
    for event_type, answer in declared.items():
        if answer not in OUTCOME_OF:
            raise ConfigError(
                f"fallback[{event_type!r}] is one of {', '.join(OUTCOME_OF)}, got {answer!r:.80}"
            )
        if event_type != ANY and event_type not in BY_TYPE:
            _own_type(event_type)
        found[event_type] = OUTCOME_OF[answer]
    return found


def _own_type(name: object) -> None:
    """A type the client does not know may be the shop's own, but not a typing mistake."""
    if not isinstance(name, str) or not _TYPE.fullmatch(name):
        raise ConfigError(
            f"fallback names {name!r:.80}, which is no event type; '*' means all others"
        )
    if near := difflib.get_close_matches(name[:100], list(BY_TYPE), n=1, cutoff=_NEAR):
        raise ConfigError(f"fallback names {name}; did you mean {near[0]}?")


def _file(queue: str | os.PathLike[str]) -> Path:
    path = Path(queue).absolute()
    if path.is_dir():
        raise ConfigError(
            f"queue is a folder: {path}; name a file, such as {path / 'kanhe-queue.db'}"
        )
    if not path.parent.is_dir():
        raise ConfigError(f"queue: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"queue: this process may not write to the folder {path.parent}")
    return path
