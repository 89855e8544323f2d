"""Heads of requests that need not be parsed again.

Nearly all requests of a connection have the same head, but for the length of the body. When the
parser has read such a head and the gate has let it in, the next request whose head is equal to the
last byte, except for the digits of that length, means the same; so it is compared instead of parsed.
Whatever could be read in two ways is not learned, and goes the parser's way each time.
"""

from __future__ import annotations

import re

from kanhe.serve.api.single import Sender, SingleEvent

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})(?=\r\n[^ \t])", re.IGNORECASE)
_MOST_DIGITS = 16


class KnownHead:
    """The head of a single event's request, with any length of the body."""

    __slots__ = ("_after", "_before", "_digits_at", "sender", "single")

    def __init__(self, single: SingleEvent, sender: Sender, before: bytes, after: bytes) -> None:
        self.single = single
        self.sender = sender
        self._before = before
        self._after = after
        self._digits_at = len(before)

    def body_in(self, data: bytes) -> bytes | None:
        """The body, if `data` are this head and exactly the body that it announces; else `None`."""
        if not data.startswith(self._before):
            return None
        start = self._digits_at
        end = data.find(b"\r", start, start + _MOST_DIGITS)
        digits = data[start:end]
        if not (data.startswith(self._after, end) and digits.isdigit()):
            return None
        body = data[end + len(self._after) :]
        return body if len(body) == int(digits) else None


def learn_head(
    data: bytes, url: bytes, fields: int, body: bytes, single: SingleEvent, sender: Sender
) -> KnownHead | None:
    """The head of the one request that the parser has just found in `data`; `None` if in doubt.

    `url`, the number of header `fields` and the `body` are what the parser made of it. They must
    be all there is: (1) request line, fields and body leave nothing over; (2) every line ends as
    HTTP says and is one field, so that no line can be continued or taken for two; (3) one field,
    and nothing else in the head, speaks of the length, and it says what the body has.
    """
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end]
    # (1)
    if end < 4 or data[end:] != body or not head.startswith(b"POST %b HTTP/1.1\r\n" % url):
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
    return KnownHead(single, sender, head[: found.start(1)], head[found.end(1) :])
