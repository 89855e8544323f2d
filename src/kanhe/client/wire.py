"""What is said to Kanhe and what its answers mean, without saying it: no sockets here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kanhe import __version__
from kanhe.client.decision import NotAnAnswer, read_line, read_problem
from kanhe.client.errors import Problem
from kanhe.client.queue.ports import Refusing, Waiting

DECIDE = "/v1/decisions"
DECIDE_ALL = "/v1/decisions:batch"
RECORD_ALL = "/v1/events:batch"
READY = "/readyz"
MOST_ANSWER_BYTES = 16_777_216
"""A longer answer, to one event or a batch, is not Kanhe's."""

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_THE_EVENT = frozenset({400, 409, 413, 422})
_LONGEST_WAIT_S = 300.0
_NOT_OF_THE_LINE = frozenset(
    f"/problems/{slug}"
    for slug in (
        "not-authenticated", "scope-missing", "rate-exceeded", "batch-too-large", "body-too-slow",
        "overloaded", "storage-unavailable", "internal", "not-http",
    )
)  # fmt: skip
_CLOCK = "/problems/future-event"
"""A shop whose clock is ahead has made no mistake in the event, and must go on selling."""
_OF_THE_EVENT_THOUGH_403 = frozenset({"/problems/restricted-type", "/problems/wrong-tenant"})


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes


class Failure(NamedTuple):
    """No answer over HTTP: the connection failed or the time was up."""

    why: str
    """Such as `connect error` or `timeout`."""
    timed_out: bool = False


def headers_of(key: str) -> dict[str, str]:
    """What every request says of its sender."""
    headers = {"user-agent": f"kanhe-client/{__version__}", "accept-encoding": "identity"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    return headers


def is_packed(headers: Mapping[str, str]) -> bool:
    """Whether an answer is packed, though nothing but plain was asked for. Kanhe packs nothing, and what
    is small on the way can be without end when it is unpacked."""
    return headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")


def is_passing(reply: Reply) -> bool:
    """Whether the same request may be answered a moment later."""
    return reply.status in _PASSING


def refusal_of(reply: Reply) -> Problem | None:
    """Why the event itself was refused; None if the answer is not about the event."""
    if not 400 <= reply.status < 500:
        return None
    problem = read_problem(reply.body)
    if problem is None:
        return None
    if problem.type in _OF_THE_EVENT_THOUGH_403:
        return problem
    return problem if reply.status in _OF_THE_EVENT and problem.type != _CLOCK else None


def in_words(reply: Reply) -> str:
    """An answer that is none, for a log line: status and kind of problem, nothing it quotes."""
    problem = read_problem(reply.body)
    return f"{reply.status} {problem.type}" if problem else f"{reply.status} (not from Kanhe?)"


def retry_after_s(reply: Reply) -> float:
    """How long the server asks to be left alone, in seconds (RFC 9110, 10.2.3); 0 if it does not.

    Only the form in seconds is read; Kanhe sends no dates.
    """
    value = reply.headers.get("retry-after", "").strip()
    if not (value.isascii() and value.isdigit()):
        return 0.0
    return min(float(value[:9]), _LONGEST_WAIT_S)


def lines_of(events: Iterable[Waiting]) -> bytes:
    """The body of a batch."""
    return b"".join(event.body + b"\n" for event in events)


class BatchAnswer:
    """The answer to a batch, read line by line; what is missing at the end was not taken.

    `taken` are the numbers of the events Kanhe has, `refused` those it never will take.
    """

    def __init__(self, sent: Sequence[Waiting]) -> None:
        self._sent = sent
        self._next = 0
        self.taken: list[int] = []
        self.refused: list[Refusing] = []
        self.stopped: Problem | None = None
        """Why Kanhe ended the batch early."""

    @property
    def complete(self) -> bool:
        """Whether there is an answer for each event."""
        return self._next == len(self._sent)

    def read(self, line: bytes) -> None:
        """Take in the next line; raises `NotAnAnswer` for what cannot be one."""
        if not line.strip():
            return
        if self.complete or self.stopped:
            raise NotAnAnswer("more answers than events")
        event = self._sent[self._next]
        answer = read_line(line)
        if isinstance(answer, str):
            if answer != event.event_id:
                raise NotAnAnswer("an answer is about another event than was sent")
            self.taken.append(event.number)
        elif answer.line != self._next + 1:
            raise NotAnAnswer("a problem is about another line than was sent")
        elif answer.type in _NOT_OF_THE_LINE or answer.status >= 500:
            self.stopped = answer
            return
        else:
            self.refused.append(Refusing(event.number, answer.type, answer.detail))
        self._next += 1
