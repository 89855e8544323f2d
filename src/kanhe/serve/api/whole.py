"""What a route does with a request that has arrived whole: no task, no ASGI messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kanhe.serve.api.access import Caller, Gate
from kanhe.serve.api.answers import Headers
from kanhe.serve.api.grouping import Result
from kanhe.serve.api.intake_limits import read_head


class Sender:
    """Whoever sends with one `Authorization` header, let in when last asked."""

    __slots__ = ("authorization", "caller")

    def __init__(self, authorization: bytes, caller: Caller) -> None:
        self.authorization = authorization
        self.caller = caller


def sender_of(headers: Headers, gate: Gate, needs: str) -> Sender:
    """Who sends a request with these headers; raises `Refusal` if the gate does not let them in."""
    authorization = read_head(headers).authorization
    return Sender(authorization, gate.admit(authorization, needs))


class Answering(Protocol):
    """Whoever writes the answer of such a request; one of the two is called, once."""

    def told(self, result: Result) -> None:
        """What became of the one event."""

    def told_lines(self, route: LinesRoute, results: Sequence[Result]) -> None:
        """What became of the lines of a batch, in their order."""


class WholeRoute(Protocol):
    """A route for requests that have arrived whole."""

    def admit(self, headers: Headers) -> Sender:
        """Who is calling, and may they? Raises `Refusal`."""

    def take(self, sender: Sender, body: bytes, answering: Answering) -> bool:
        """Put the events of one request of a sender that `admit` has let in into the queue.

        False, and nothing has happened, if the request must go the ordinary way. The sender's rate
        is charged, and it is let in anew when it was last looked up too long ago: this may be
        called again for each request that has the same head. Raises `Refusal`.
        """


class LinesRoute(Protocol):
    """A route that makes one answer of those of many lines."""

    def joined(self, results: Sequence[Result]) -> bytes:
        """The whole answer; raises what stands in the way of it."""
