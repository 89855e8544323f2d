"""The list of witnesses that a log asks: one per line, its verifier key and its URL.

    # the bookkeeper's
    books.example+1c2d3e4f+BA…  https://books.example/witness

Empty lines and what follows `#` at the beginning of a line are passed over.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from kanhe.record.log.cosignature import WitnessKey
from kanhe.record.log.errors import FormatError


class ListedWitness(NamedTuple):
    """One line of the list."""

    key: WitnessKey
    url: str
    """The prefix below which `add-checkpoint` is found (C2SP tlog-witness), without a slash at its end."""


def parse_witness_list(text: str) -> tuple[ListedWitness, ...]:
    """Read a list; raises `FormatError` that says which line is wrong and what was expected."""
    found: dict[bytes, ListedWitness] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            one = _listed(line)
            if one.key.public in found:
                # Two names of one key are one witness, and must not be counted as two.
                raise FormatError(f"the key of {found[one.key.public].key.name} stands here again")
        except FormatError as problem:
            raise FormatError(f"line {number} of the list of witnesses: {problem}") from None
        found[one.key.public] = one
    return tuple(found.values())


def _listed(line: str) -> ListedWitness:
    parts = line.split()
    if len(parts) != 2:
        raise FormatError("expected a verifier key and a URL with a space between them")
    return ListedWitness(WitnessKey.parse(parts[0]), _prefix(parts[1]))


def _prefix(text: str) -> str:
    try:
        url = urlsplit(text)
        whole = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        whole = False
    if not whole or "@" in text or "?" in text or "#" in text or not text.isascii():
        raise FormatError(
            f"expected a URL such as https://witness.example/prefix, not {text[:80]!r}"
        )
    return text.rstrip("/")
