"""Visitors who ask not to be tracked: `Sec-GPC: 1` (Global Privacy Control) and `DNT: 1`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Respect = Literal["none", "hints", "device"]
"""What is left out for them: `none` is nothing; `hints` is all that the script says; `device` is that
and the device's id, whose cookie is neither made nor kept. The session's id remains: it ends with the
visit."""

ASKS = ("sec-gpc", "dnt")
"""The headers that ask, in lower case."""


def asks_for_privacy(header: Callable[[str], str | None]) -> bool:
    """Whether this visitor asks not to be tracked; `header` gives a header by its name in lower case."""
    return any((header(name) or "").strip() == "1" for name in ASKS)
