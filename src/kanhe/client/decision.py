"""What came of an event, as a shop reads it."""

from __future__ import annotations

from typing import Literal

import msgspec

from kanhe.client.errors import Problem

Outcome = Literal["allow", "challenge", "review", "deny"]
Fallback = Literal["allow", "challenge", "hold"]
"""What a shop may declare for when Kanhe cannot be reached; `hold` is the outcome `review`."""

OUTCOME_OF: dict[str, Outcome] = {"allow": "allow", "challenge": "challenge", "hold": "review"}
"""Each fallback with the outcome it stands for."""


class Text(msgspec.Struct, frozen=True):
    """A sentence for people, in English and Chinese."""

    en: str
    zh: str


class Reason(msgspec.Struct, frozen=True):
    """Why: the rule that spoke, with how many points and in which words."""

    rule: str
    points: int
    text: Text
    tags: tuple[str, ...] = ()
    error: str = ""
    because: tuple[Text, ...] = ()


class Action(msgspec.Struct, frozen=True):
    """What the policy wants done, such as `challenge` with `otp`, or `hold` of a `payout`."""

    kind: str
    what: str = ""
    value: str = ""
    for_ms: int = 0


class Decision(msgspec.Struct, frozen=True):
    """The answer to one event. With `fallback` it is the shop's own declared answer: Kanhe gave none,
    `why` says what happened instead, and `decision_id`, `policy` and `reasons` are empty."""

    event_id: str
    outcome: Outcome
    decision_id: str = ""
    score: int = 0
    policy: str = ""
    reasons: tuple[Reason, ...] = ()
    actions: tuple[Action, ...] = ()
    fallback: bool = False
    why: str = ""


class Recorded(msgspec.Struct, frozen=True):
    """The answer to an event that was only recorded, then or earlier."""

    event_id: str
    recorded: Literal[True]


class _Answer(msgspec.Struct, frozen=True):
    """Any good answer to one event: a decision or a note of its recording."""

    event_id: str


_decision = msgspec.json.Decoder(Decision)
_recorded = msgspec.json.Decoder(Recorded)
_answer = msgspec.json.Decoder(_Answer)
_problem = msgspec.json.Decoder(Problem)


class NotAnAnswer(Exception):
    """What came back is not what Kanhe answers; some other server stands in its place."""


def read_decision(body: bytes, event_id: str) -> Decision | None:
    """The decision in an answer; None if the event had been recorded before and is not judged.

    Raises `NotAnAnswer` for anything else, and for an answer about another event.
    """
    found: Decision | Recorded
    try:
        found = _decision.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            found = _recorded.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise NotAnAnswer("the answer is no decision") from None
    if found.event_id != event_id:
        raise NotAnAnswer("the answer is about another event")
    return (
        msgspec.structs.replace(found, fallback=False, why="")
        if isinstance(found, Decision)
        else None
    )


def read_line(line: bytes) -> str | Problem:
    """One line of the answer to a batch: the id of the event that was taken, or why one was not."""
    try:
        return _answer.decode(line).event_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        problem = read_problem(line)
    if problem is None or not problem.line:
        raise NotAnAnswer("a line of the answer is neither an answer nor a problem")
    return problem


def read_problem(body: bytes) -> Problem | None:
    """The problem in a body; None if it holds none."""
    try:
        found = _problem.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.status else None
