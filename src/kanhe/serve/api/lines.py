"""Cutting a stream of bytes into numbered lines, with a bound on how long one may be."""

from __future__ import annotations

Line = tuple[int, bytes | None]
"""The number of a line, counted from 1 with blank lines included, and its text without the newline;
`None` if it was longer than allowed and is not kept."""


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
        first = self.number + 1
        self.number += len(pieces)
        numbered = enumerate(pieces, first)
        if not self._too_long and are_plain(pieces, self._most_bytes):
            return list(numbered)
        lines: list[Line] = []
        for number, piece in numbered:
            if self._too_long or len(piece) > self._most_bytes:
                self._too_long = False
                lines.append((number, None))
            elif piece and not piece.isspace():
                lines.append((number, piece))
        return lines


def are_plain(pieces: list[bytes], most_bytes: int) -> bool:
    """Whether no piece is blank or too long, which is the usual case and quickly found out."""
    return (
        max(map(len, pieces), default=0) <= most_bytes
        and all(pieces)
        and not any(map(bytes.isspace, pieces))
    )
