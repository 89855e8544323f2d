"""Cutting a stream of bytes into numbered lines, with a bound on how long one may be."""

from __future__ import annotations

from typing import NamedTuple

# Named tuples are made through their own `__new__`, which costs three times as much.
_new = tuple.__new__


class Line(NamedTuple):
    """One line of a batch."""

    number: int
    """Counted from 1, blank lines included."""
    text: bytes | None
    """Without its newline; `None` if it was longer than allowed and is not kept."""


class LineCutter:
    """Gathers parts of a body and gives back the lines that are complete.

    Holds at most one unfinished line of `most_bytes`; what is longer is forgotten up to its end.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rest = b""
        self._too_long = False
        self.number = 0
        """How many lines were given back so far."""

    def cut(self, part: bytes) -> list[Line]:
        """The lines that this part completes, blank ones left out but counted."""
        pieces = (self._rest + part).split(b"\n") if self._rest else part.split(b"\n")
        self._rest = pieces.pop()
        lines = self._numbered(pieces)
        if len(self._rest) > self._most_bytes:
            self._rest, self._too_long = b"", True
        return lines

    def last(self) -> list[Line]:
        """What is left when the body has ended: a last line without a newline is a line."""
        if not self._rest and not self._too_long:
            return []
        lines = self._numbered([self._rest])
        self._rest = b""
        return lines

    @property
    def unfinished(self) -> bool:
        """Whether a line was begun and not ended."""
        return self._too_long or bool(self._rest.strip())

    def _numbered(self, pieces: list[bytes]) -> list[Line]:
        number, most, lines = self.number, self._most_bytes, []
        for piece in pieces:
            number += 1
            if self._too_long or len(piece) > most:
                self._too_long = False
                lines.append(Line(number, None))
            elif piece and not piece.isspace():
                lines.append(_new(Line, (number, piece)))
        self.number = number
        return lines
