"""What holds for every test: no network beyond this machine, and chance that can be repeated."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# A console beside every server that a test starts would be a second process for nothing; those who
# test the console start it themselves.
os.environ.setdefault("KANHE_CONSOLE", "false")
# Tables are as wide as without a terminal, however narrow the window is from which tests are run.
os.environ.pop("COLUMNS", None)

# On a busy machine a deadline finds slow neighbours, not slow code. With CI set, the examples are
# the same in every run, so that a red run is about the change and not about luck.
settings.register_profile(
    "kanhe",
    deadline=None,
    print_blob=True,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kanhe")


TOGETHER = ("tests/browser/", "tests/connect/oscar/")


class _Together(LoadFileScheduling):
    """Tests of a file stay in one process, because they share what is dear to set up; those of the
    browser all do, because they share a browser and a shop, and those of a shop made with oscar, because
    Django can be set up once in a process."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
        return folder or super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Together:
    """Which tests go together where several processes run them."""
    return _Together(config, log)


class OutsideWorld(RuntimeError):
    """A test tried to reach another machine."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a path of a Unix socket
    host = address[0]
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """Refuse every connection and every name lookup that would leave this machine."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_here(address):
            raise OutsideWorld(f"a test tried to connect to {address!r}")
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_here(address):
            raise OutsideWorld(f"a test tried to connect to {address!r}")
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_here((name,)) and name != "0.0.0.0":
            raise OutsideWorld(f"a test tried to look up {name!r}")
        return lookup(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_lookup)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def thawed_at_the_end() -> Iterator[None]:
    """Let the interpreter clean up when all is done.

    A server under test freezes what it has loaded (see `gc.freeze`); what stays frozen is never
    torn down, and DuckDB would list all of it as leaked, below pytest's closing line.
    """
    yield
    gc.unfreeze()
