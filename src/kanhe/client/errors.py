"""What the client raises. Everything is a `ClientError`, and its text says what to do."""

from __future__ import annotations

import msgspec


class ClientError(Exception):
    """The root of everything that the client raises on purpose."""


class ConfigError(ClientError):
    """The client cannot be set up like this. Raised by the constructor only."""


class InvalidEvent(ClientError):
    """An event that Kanhe would refuse, found before it was sent: the text names the field."""


class Unreachable(ClientError):
    """Kanhe gave no answer in time, and no fallback is declared for this type of event."""


class Closed(ClientError):
    """The client was closed before it was asked."""


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that was not as expected: its name, what was expected, what came (shortened)."""

    field: str = ""
    expected: str = ""
    got: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Kanhe answers instead of a decision (RFC 9457); each kind stands in docs/problems.md."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()
    line: int = 0
    """In a batch, the number of the line this is about, counted from 1."""


class Refused(ClientError):
    """Kanhe was reached and refused the event. Sending it again will not help."""

    def __init__(self, problem: Problem, event_id: str = "") -> None:
        super().__init__(problem.detail or problem.title or f"refused with {problem.status}")
        self.problem = problem
        self.event_id = event_id

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def type(self) -> str:
        """The kind of problem, such as `/problems/unknown-field`."""
        return self.problem.type

    @property
    def detail(self) -> str:
        """What was wrong, in words."""
        return self.problem.detail

    @property
    def errors(self) -> tuple[FieldProblem, ...]:
        """Each field that was not as expected."""
        return self.problem.errors
