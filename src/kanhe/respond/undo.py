"""Taking back what was just done, to one case or to many.

What can be taken back is kept with the state before it. It is taken back for a short time, by who
did it, and only for those cases that have not changed since: what somebody else did after it stands.
"""

from __future__ import annotations

import msgspec

from kanhe.core.time import MINUTE_MS
from kanhe.respond.cases import Case, CaseError

UNDO_MS = 2 * MINUTE_MS
"""For how long something can be taken back."""
MOST_AT_ONCE = 200
"""How many cases one action may change."""


class Done(msgspec.Struct, frozen=True):
    """One action on some cases, as it can be taken back."""

    staff: str
    at_ms: int
    before: tuple[Case, ...]
    after: tuple[int, ...]
    """The version of each of these cases when it was done."""


def check_undo(done: Done, staff: str, now_ms: int) -> None:
    """Raise `CaseError` unless this person may take it back now."""
    if done.staff != staff:
        raise CaseError("not_yours", "only who did it takes it back")
    if not 0 <= now_ms - done.at_ms <= UNDO_MS:
        raise CaseError("too_late", "it was too long ago to be taken back")


def restored(before: Case, after: int, now: Case) -> Case | None:
    """The case as it was before, one version on; `None` if somebody changed it since."""
    if now.version != after:
        return None
    # What was counted stays counted: labels are told apart by how often the case was resolved.
    return msgspec.structs.replace(
        before, version=now.version + 1, times_resolved=now.times_resolved
    )
