"""What people write about a case: plain text, and whom they mention in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from kanhe.core.errors import KanheError

NOTE_MAX = 10_000
"""How many characters a note may have."""
MOST_MENTIONS = 20
_MENTION = re.compile(r"(?<![\w@.])@([\w][\w.-]{0,63})")
_KEPT_CONTROLS = frozenset("\n\t")
# Marks that turn the direction of text round can make a note read otherwise than it is.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class NoteError(KanheError):
    """A note that cannot be kept: empty, or too long."""


def cleaned(text: str) -> str:
    """The text as it is kept: lines ended by one sign, no controls, nothing that turns it round.

    Markup is text like any other: it is shown, never run. Raises `NoteError`.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        sign
        for sign in plain
        if sign in _KEPT_CONTROLS or (unicodedata.category(sign) not in ("Cc", "Cs") and sign not in _TURNING)
    ).strip()  # fmt: skip
    if not kept:
        raise NoteError("write something")
    if len(kept) > NOTE_MAX:
        raise NoteError(f"a note has at most {NOTE_MAX} characters")
    return kept


def mentioned(text: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of those whose handle stands after an `@`, each once, in order.

    `known` gives an id by its handle in lower case; whom nobody knows is text.
    """
    handles = (found[1].rstrip(".-").lower() for found in _MENTION.finditer(text))
    found = dict.fromkeys(known[handle] for handle in handles if handle in known)
    return tuple(found)[:MOST_MENTIONS]


def handle_of(name: str, email: str) -> str:
    """The word by which somebody is mentioned: what stands before the `@` of their address, else
    their name without spaces."""
    before = email.partition("@")[0]
    return (before or re.sub(r"\s+", ".", name.strip())).lower()


def handles(people: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Handles with ids, of (id, name, e-mail address). Of two with one handle the first keeps it."""
    found: dict[str, str] = {}
    for staff, name, email in people:
        found.setdefault(handle_of(name, email), staff)
    return found
