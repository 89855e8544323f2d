"""What detectors say (`Signal`) and what comes out (`Decision`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Outcome = Literal["allow", "challenge", "review", "deny"]

SEVERITY: dict[str, int] = {"allow": 0, "challenge": 1, "review": 2, "deny": 3}
"""How hard an outcome is on the person judged; the order in which ties are broken."""


GOVERNOR = "policy:governor"
"""Stands where the id of a rule does, in the reason of a decision that was held. No rule can have it."""
_CHECK = 0x9E3779B1
"""A large odd factor (2**32 divided by the golden ratio): neighbouring numbers get unlike checks."""


class Action(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something to be done because of a decision.

    `kind` is one of `challenge` (`what`: the kind of step-up, such as `otp`), `hold` (`what`: what is
    held, such as `payout`; `for_ms`: how long), `list_add` (`what`: the list, `value`: the entry,
    `for_ms`: until it expires) and `notify` (`what`: the audience).
    """

    kind: Literal["challenge", "hold", "list_add", "notify"]
    what: str
    value: str = ""
    for_ms: int = 0
    """A duration in milliseconds; 0 means without end."""


class Text(msgspec.Struct, frozen=True, gc=False):
    """A sentence for people in both languages."""

    en: str
    zh: str


class Signal(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one detector says about one event. A rule that failed to run is a signal too."""

    rule: str
    """The id of the rule."""
    points: int
    reason: Text
    outcome: Outcome | None = None
    """The outcome the rule asks for by itself, if any."""
    actions: tuple[Action, ...] = ()
    tags: tuple[str, ...] = ()
    error: str = ""
    """Empty, or why the rule could not be evaluated (for example `ZeroDivisionError`)."""
    because: tuple[Text, ...] = ()
    """What weighed most in the scores that the rule reads, the heaviest first."""


class Reason(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why, as the asker reads it. Reasons stand in order of weight, heaviest first."""

    rule: str
    points: int
    text: Text
    tags: tuple[str, ...] = ()
    error: str = ""
    because: tuple[Text, ...] = ()
    """What weighed most in a model's score, the heaviest first; of several reasons that say the
    same, the first one holds it."""


class Decision(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The answer to one event. The same signals always give the same bytes."""

    decision_id: str
    event_id: str
    outcome: Outcome
    score: int
    """The sum of the points of the rules that fired, held within 0 and 1000."""
    policy: str
    """The content hash of the policy pack under which it was made, `sha256:` and 64 hex digits."""
    reasons: tuple[Reason, ...] = ()
    actions: tuple[Action, ...] = ()


_encode = msgspec.json.Encoder().encode


def allowed_each(seqs: Iterable[int], event_ids: Iterable[str], policy: str) -> list[bytes]:
    """The JSON of decisions that nothing speaks against: outcome `allow`, score 0, no reasons.

    Each follows from the number of its row, its event's id and the pack's hash. The same bytes as
    encoding such a `Decision`, in a fraction of the time.
    """
    rest = f',"outcome":"allow","score":0,"policy":"{policy}"}}'.encode()
    return [
        b'{"decision_id":"d%d-%06x","event_id":%b%b' % (seq, seq * _CHECK & 0xFFFFFF, name, rest)
        for seq, name in zip(seqs, map(_encode, event_ids), strict=True)
    ]


def allowed(seq: int, event_id: str, policy: str) -> bytes:
    """The same for one event."""
    return allowed_each((seq,), (event_id,), policy)[0]


def decision_id(seq: int) -> str:
    """The handle of a decision: its place in the journal, and a check against mistyped handles."""
    return f"d{seq}-{seq * _CHECK & 0xFFFFFF:06x}"


def seq_of(handle: str) -> int | None:
    """The place in the journal that a handle speaks of; `None` if it is no handle."""
    head, _, _check = handle.partition("-")
    digits = head[1:]
    if not (head.startswith("d") and digits.isascii() and digits.isdecimal() and len(digits) < 19):
        return None
    seq = int(digits)
    return seq if handle == decision_id(seq) else None
