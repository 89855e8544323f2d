"""Heads of requests that need not be parsed again.

Nearly all requests of a connection have the same head, but for the length of the body. When the
parser has read such a head and the gate has let it in, the next request whose head is equal to the
last byte, except for the digits of that length, means the same; so it is compared instead of parsed.
Whatever could be read in two ways is not learned, and goes the parser's way each time.
"""

from __future__ import annotations

import re

from kanhe.serve.api.whole import Sender, WholeRoute

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})(?=\r\n[^ \t])", re.IGNORECASE)
_MOST_DIGITS = 16
_MOST_BYTES = 2_048
_MOST_KNOWN = 128
_MOST_SIZES = 256
"""So much is kept at most: heads of up to so many bytes, so many of them, each with so many lengths."""


class KnownHead:
    """The head of one kind of request, with any length of the body."""

    __slots__ = ("_after", "_before", "_spare", "_whole", "route", "sender")

    def __init__(self, route: WholeRoute, sender: Sender, before: bytes, after: bytes) -> None:
        self.route = route
        self.sender = sender
        self._before = before
        self._after = after
        self._spare = len(before) + len(after)
        # What a request of so many bytes begins with: its size says how long its body must be.
        self._whole: dict[int, bytes] = {}

    def body_in(self, data: bytes) -> bytes | None:
        """The body, if `data` are this head and exactly the body that it announces; else `None`.

        A length written with leading zeros is not recognised.
        """
        size = len(data)
        head = self._whole.get(size) or self._written(size)
        return data[len(head) :] if head and data.startswith(head) else None

    def _written(self, size: int) -> bytes:
        """The head of a request of so many bytes in all; empty if none can have that size."""
        for digits in range(1, _MOST_DIGITS):
            length = b"%d" % (size - self._spare - digits)
            if len(length) == digits and length.isdigit():
                if len(self._whole) >= _MOST_SIZES:
                    self._whole.clear()
                head = self._whole[size] = self._before + length + self._after
                return head
        return b""


class KnownHeads:
    """The heads that were learned lately; connections whose requests have the same one share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], KnownHead] = {}

    def learn(
        self, data: bytes, url: bytes, fields: int, body: bytes, route: WholeRoute, sender: Sender
    ) -> KnownHead | None:
        """The head of the one request that the parser has just found in `data`; `None` if in doubt.

        The gate has just let in its `sender` to `route`; for the others see `cut_head`.
        """
        cut = cut_head(data, url, fields, body)
        if cut is None:
            return None
        known = self._known.get(cut)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[cut] = KnownHead(route, sender, *cut)
        known.sender = sender
        return known


def cut_head(data: bytes, url: bytes, fields: int, body: bytes) -> tuple[bytes, bytes] | None:
    """The head of the one request in `data`, before and after the digits of the body's length;
    `None` if in doubt.

    `url`, the number of header `fields` and the `body` are what the parser made of it. They must
    be all there is: (1) request line, fields and body leave nothing over; (2) every line ends as
    HTTP says and is one field, so that no line can be continued or taken for two; (3) one field,
    and nothing else in the head, speaks of the length, and it says what the body has.
    """
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end]
    # (1)
    if not 4 <= end <= _MOST_BYTES or data[end:] != body:
        return None
    if not head.startswith(b"POST %b HTTP/1.1\r\n" % url):
        return None
    # (2)
    if not head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == fields + 2:
        return None
    # (3)
    lowered = head.lower()
    found = _LENGTH.search(head)
    if (
        found is None
        or int(found[1]) != len(body)
        or lowered.count(b"content-length") != 1
        or b"transfer-encoding" in lowered
    ):
        return None
    return head[: found.start(1)], head[found.end(1) :]
