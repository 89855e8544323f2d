"""Cutting a stream of bytes into numbered lines, with a bound on how long one may be."""

from __future__ import annotations

from typing import NamedTuple


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
        lines = []
        for piece in pieces:
            line = self._line(piece)
            if line is not None:
                lines.append(line)
        if len(self._rest) > self._most_bytes:
            self._rest, self._too_long = b"", True
        return lines

    def last(self) -> list[Line]:
        """What is left when the body has ended: a last line without a newline is a line."""
        if not self._rest and not self._too_long:
            return []
        line = self._line(self._rest)
        self._rest = b""
        return [] if line is None else [line]

    @property
    def unfinished(self) -> bool:
        """Whether a line was begun and not ended."""
        return self._too_long or bool(self._rest.strip())

    def _line(self, piece: bytes) -> Line | None:
        self.number += 1
        if self._too_long or len(piece) > self._most_bytes:
            self._too_long = False
            return Line(self.number, None)
        if not piece or piece.isspace():
            return None
        return Line(self.number, piece)
