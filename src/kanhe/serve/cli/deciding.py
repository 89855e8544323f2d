"""`kanhe decide`: lines of JSON in, lines of answers out, in the same order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO

import msgspec

from kanhe.app import Kanhe, Pending, kanhe_in_memory
from kanhe.core.errors import KanheError, Refusal, refuse
from kanhe.core.event import Asked
from kanhe.core.settings import Settings
from kanhe.judge.policy.pack import load_pack
from kanhe.serve.api.lines import Line, LineCutter
from kanhe.serve.cli.packs import folder_of
from kanhe.serve.cli.serving import now_ms, opened
from kanhe.serve.cli.terminal import OK, REFUSED, tell
from kanhe.serve.cli.wording import words

_GROUP = 512
_PART_BYTES = 1 << 16


class _Counts(msgspec.Struct):
    accepted: int = 0
    repeated: int = 0
    refused: int = 0


class InputError(KanheError):
    """A file cannot be read."""


def engine_for(settings: Settings, dry_run: bool) -> Kanhe:
    """The installation, or one that keeps nothing."""
    if dry_run:
        return kanhe_in_memory(settings, now_ms, load_pack(folder_of(settings, None)))
    return opened(settings)


def decide(
    settings: Settings,
    source: str,
    tenant: str,
    record: bool,
    dry_run: bool,
    scopes: frozenset[str],
    as_json: bool,
) -> int:
    """Judge every line of a file or of standard input (`-`); answers go to standard output.

    A line that is refused is answered by a problem with its number. The summary goes to standard
    error. Returns 1 if anything was refused.
    """
    counts = _Counts()
    with (
        _lines_of(source, settings.max_body_bytes) as lines,
        engine_for(settings, dry_run) as engine,
    ):
        for group in lines:
            asked = [
                Asked(tenant, text, scopes, not record) for _, text in group if text is not None
            ]
            results = iter(durable(engine, asked))
            answers = [
                _answer(number, _too_long(settings) if text is None else next(results), counts)
                for number, text in group
            ]
            sys.stdout.buffer.write(b"\n".join([*answers, b""]))
            sys.stdout.buffer.flush()
    if as_json:
        tell(msgspec.json.encode(counts).decode())
    else:
        tell(words("decide.summary", **msgspec.structs.asdict(counts)))
    return REFUSED if counts.refused else OK


def durable(engine: Kanhe, asked: Sequence[Asked]) -> list[Pending | Refusal]:
    """Take events, and make them durable; raises whatever stands in the way of one but a refusal."""
    results: list[Pending | Refusal] = []
    for result in engine.take(asked):
        if isinstance(result, Exception) and not isinstance(result, Refusal):
            raise result
        results.append(result)
    engine.commit()
    return results


def _too_long(settings: Settings) -> Refusal:
    detail = f"A line may have at most {settings.max_body_bytes} bytes."
    return refuse("body-too-large", "The line is too long", 413, detail)


def _answer(number: int, result: Pending | Refusal, counts: _Counts) -> bytes:
    if isinstance(result, Refusal):
        counts.refused += 1
        return msgspec.json.encode(msgspec.structs.replace(result.problem, line=number))
    counts.accepted += 1
    counts.repeated += result.repeated
    return result.answer


@contextmanager
def _lines_of(source: str, most_bytes: int) -> Iterator[Iterator[list[Line]]]:
    """Groups of lines as they arrive: whoever types or pipes slowly gets answers at once."""
    if source == "-":
        yield _groups(sys.stdin.buffer, LineCutter(most_bytes))
        return
    try:
        stream = os.fdopen(os.open(source, os.O_RDONLY), "rb")
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from None
    with stream:
        yield _groups(stream, LineCutter(most_bytes))


def _groups(stream: IO[bytes], cutter: LineCutter) -> Iterator[list[Line]]:
    read = getattr(stream, "read1", stream.read)
    while part := read(_PART_BYTES):
        lines = iter(cutter.cut(part))
        while group := list(islice(lines, _GROUP)):
            yield group
    if last := cutter.last():
        yield last
