"""The tests themselves stay on this machine."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.org", 80)])
def test_no_test_reaches_another_machine(address: tuple[str, int]) -> None:
    """Connecting to, or looking up, anything but this machine fails at once."""
    with pytest.raises(RuntimeError, match="a test tried"):
        socket.create_connection(address, timeout=1)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as one, pytest.raises(RuntimeError, match="a test tried"):
        one.connect(address)


def test_this_machine_can_be_reached() -> None:
    """A server on the loopback address is no other machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
