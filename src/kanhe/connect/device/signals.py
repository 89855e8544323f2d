"""What the script says about how a form was filled, read with suspicion: it comes from the client.

The text is a small JSON object with short names. What is not as the script writes it is worth nothing,
and never an error: no visitor is turned away for it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

FIELD = "kanhe_signals"
"""The hidden field of a form that the script fills."""
HEADER = "Kanhe-Signals"
"""The header for requests that a page makes by script."""
_LONGEST = 256

_Count = Annotated[int, Meta(ge=0, le=1_000)]


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """As the script writes it."""

    v: Annotated[int, Meta(ge=1, le=1)]
    p: _Count
    """Fields into which something was pasted."""
    s: _Count
    """Fields that hold something no key, paste or choice has put there."""
    w: bool
    """`navigator.webdriver`."""
    f: Annotated[int, Meta(ge=0, le=86_400_000)] | None = None
    """Milliseconds from the first touch of the form to its sending."""


class Signals(msgspec.Struct, frozen=True):
    """How a form was filled, as far as its page said so. Named as the fields of events."""

    has_script: bool | None = None
    """`None` where no form was sent; `False` where the script said nothing, or nothing it would say."""
    fill_ms: int | None = None
    pasted_fields: int | None = None
    scripted_fields: int | None = None
    is_automated: bool | None = None
    """True where the browser says that a program drives it; never `False`, which it cannot promise."""


NO_SIGNALS = Signals()
_decoder = msgspec.json.Decoder(_Said)


def read_signals(text: str | None) -> Signals:
    """What a form's hidden field or the header holds; `None` if there was no such field at all."""
    if text is None:
        return NO_SIGNALS
    if not text or len(text) > _LONGEST:
        return Signals(has_script=False)
    try:
        said = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return Signals(has_script=False)
    return Signals(True, said.f, said.p, said.s, True if said.w else None)
