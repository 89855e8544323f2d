"""Files of events read for a backtest: tables under a mapping, or lines of JSON.

(1) Each file becomes a stream of events: a table (CSV, Parquet) by its mapping, lines as they stand.
(2) Several files are put together by the time of their events; within a file its own order stays.
(3) The reader of the live path checks every event. What it refuses, and what repeats an id, is counted.

All of this can be done in a process of its own (`python -m kanhe.app.reading`), which leaves a core to
the judging: the job comes in on standard input, frames go out on standard output, each a length in four
bytes and MessagePack. Both ways give the same rows.
"""

from __future__ import annotations

import heapq
import struct
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from kanhe.core.errors import KanheError, Refusal
from kanhe.judge.intake.importing import MappedEvent, apply
from kanhe.judge.intake.mapping_reader import read_mapping
from kanhe.judge.intake.reader import MAX_BODY_BYTES, Reader
from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.source import PolicyError, PolicyErrors, Source
from kanhe.judge.policy.pack import load_archive
from kanhe.stores.files.tabular import open_table

CLAIM_PREFIXES = ("label.", "chargeback.", "complaint.")
"""How the types of all events begin that may say what became of others."""
LINE_SUFFIXES = (".ndjson", ".jsonl", ".json")
"""Files of these names hold one event a line."""
_TYPE = b'"type":"'
_CLAIM_TYPES = (*(prefix.encode() for prefix in CLAIM_PREFIXES), b"\\")
_CLAIM_MARKS = (b"label", b"chargeback", b"complaint", b"\\")
_BATCH = 1_024
_SCOPES = frozenset({"lists", "step_up"})
_MOST_DETAIL = 300
_LENGTH = struct.Struct(">I")


class ReadingError(KanheError):
    """A file of events, or its mapping, cannot be read."""


class EventFile(msgspec.Struct, frozen=True):
    """A file of events, and the mapping by which its lines are to be understood, if it is a table."""

    path: str
    mapping: str = ""

    @property
    def is_lines(self) -> bool:
        """Whether it holds JSON lines."""
        return Path(self.path).suffix.lower() in LINE_SUFFIXES


class Why(msgspec.Struct):
    """Lines that gave no event, for one reason."""

    lines: int
    first: int
    """The number of the first of them, in its file."""
    detail: str
    file: str


class FileAccount(msgspec.Struct):
    """What became of the lines of all files."""

    lines: int = 0
    events: int = 0
    repeated: int = 0
    """Events whose id stood there before; only the first counts, as on the live path."""
    refused: dict[str, Why] = {}
    set_aside: dict[str, Why] = {}

    def count(self, into: dict[str, Why], kind: str, file: str, line: int, detail: str) -> None:
        """One more line that gave no event."""
        found = into.get(kind)
        if found is None:
            into[kind] = Why(1, line, detail[:_MOST_DETAIL], file)
        else:
            found.lines += 1


class Told(NamedTuple):
    """An accepted event, as far as a row needs it."""

    type: str
    event_id: str
    at_ms: int
    body: bytes


class Job(msgspec.Struct):
    """What is to be read."""

    files: list[EventFile]
    archive: bytes
    """The policy pack whose registry says what an event may hold."""
    only_claims: bool
    """Leave out, unread, what cannot claim anything about other events."""
    now_ms: int
    """What lies ahead of it has not happened, and is refused."""
    max_body_bytes: int = MAX_BODY_BYTES


class _Raw(NamedTuple):
    """An event of a file before the reader has seen it."""

    file: str
    line: int
    type: str
    """Empty where only the body tells."""
    body: bytes


def read_events(job: Job, account: FileAccount) -> Generator[Told, None, None]:
    """The steps above, in this process; `account` is filled meanwhile.

    Raises `ReadingError` or another `KanheError` for files and mappings that cannot be read.
    """
    registry = load_archive(job.archive).registry
    streams = [_checked(job, file, registry, account) for file in job.files]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(2))
    seen: set[int] = set()
    for told in merged:
        # Python's hash of a text is keyed anew in each process, so that nobody can make two ids meet.
        key = hash(told.event_id)
        if key in seen:
            account.repeated += 1
            continue
        seen.add(key)
        account.events += 1
        yield told


def _checked(job: Job, file: EventFile, registry: Registry, account: FileAccount) -> Iterator[Told]:
    """Steps (1) and (3) for one file."""
    reader = Reader(registry, max_body_bytes=job.max_body_bytes)
    raws = (
        _of_lines(job, file, account) if file.is_lines else _of_table(job, file, registry, account)
    )
    for raw in raws:
        if job.only_claims and raw.type and not raw.type.startswith(CLAIM_PREFIXES):
            continue
        try:
            _, event, body, _ = reader.read("", raw.body, job.now_ms, _SCOPES)
        except Refusal as refusal:
            problem = refusal.problem
            slug = problem.type.rsplit("/", 1)[-1]
            where = problem.errors[0] if problem.errors else None
            detail = f"{where.field}: expected {where.expected}" if where else problem.title
            account.count(account.refused, slug, raw.file, raw.line, detail)
            continue
        if not job.only_claims or event.type.startswith(CLAIM_PREFIXES):
            yield Told(event.type, event.id, event.at_ms, body)


def _of_table(
    job: Job, file: EventFile, registry: Registry, account: FileAccount
) -> Iterator[_Raw]:
    if not file.mapping:
        raise ReadingError(
            f"{file.path} is a table: say with --map which mapping makes events of its lines"
            f" (files of JSON lines end in {', '.join(LINE_SUFFIXES)})"
        )
    mapping = read_mapping(mapping_source(Path(file.mapping)), registry)
    table = open_table(Path(file.path), mapping.table)
    if job.only_claims and not any(e.type.startswith(CLAIM_PREFIXES) for e in mapping.events):
        account.lines += table.rows
        return
    for result in apply(mapping, table.chunks(mapping.columns)):
        account.lines += result.lines
        if isinstance(result, MappedEvent):
            yield _Raw(file.path, result.line, result.type, result.body)
        else:
            account.count(account.set_aside, result.kind, file.path, result.line, result.detail)
            account.set_aside[result.kind].lines += result.lines - 1


def mapping_source(path: Path) -> Source:
    """The text of a mapping. Raises `ReadingError` for a file that cannot be read."""
    try:
        return Source(str(path), path.read_text("utf-8"))
    except OSError as error:
        raise ReadingError(f"cannot read the mapping {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ReadingError(f"the mapping {path} is not UTF-8: {error}") from None


def _of_lines(job: Job, file: EventFile, account: FileAccount) -> Iterator[_Raw]:
    try:
        with open(file.path, "rb") as opened:
            for number, line in enumerate(_lines(opened, job.max_body_bytes), 1):
                account.lines += 1
                text = line.strip(b" \t\r\n")
                if number == 1:
                    text = text.removeprefix(b"\xef\xbb\xbf")
                if text and (not job.only_claims or _may_claim(text)):
                    yield _Raw(file.path, number, "", text)
    except OSError as error:
        raise ReadingError(f"cannot read {file.path}: {error.strerror or error}") from None


def _may_claim(text: bytes) -> bool:
    """Whether the JSON of an event may be that of a claim; only an escape can hide it, and those are read."""
    kinds = text.split(_TYPE)
    if len(kinds) > 1:
        return any(kind.startswith(_CLAIM_TYPES) for kind in kinds[1:])
    return any(mark in text for mark in _CLAIM_MARKS)


def _lines(opened: IO[bytes], most: int) -> Iterator[bytes]:
    """Lines of a file; of one that is too long to be an event, only so much that it is refused."""
    while line := opened.readline(most + 2):
        yield line
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = opened.readline(1 << 20)


# In a process of its own


class _Frame(msgspec.Struct, array_like=True):
    """What the reading process says: events, then at the end the account, or what went wrong."""

    lines: int = 0
    events: list[Told] = []
    account: FileAccount | None = None
    error: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Frame).decode
_decode_job = msgspec.msgpack.Decoder(Job).decode


def read_beside(job: Job, account: FileAccount) -> Generator[Told, None, None]:
    """What `read_events` gives, from a process beside this one.

    The process ends when this is read to its end, or given up.
    """
    command = [sys.executable, "-m", "kanhe.app.reading"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            _write(child.stdin, _encode(job))
            child.stdin.close()
            while True:
                frame = _decode(_read(child.stdout))
                if frame.error:
                    raise ReadingError(frame.error)
                account.lines = frame.lines
                yield from frame.events
                if frame.account is not None:
                    for name in account.__struct_fields__:
                        setattr(account, name, getattr(frame.account, name))
                    return
        except (BrokenPipeError, EOFError):
            code = child.wait()
            raise ReadingError(
                f"the process that reads the files ended early (code {code})"
            ) from None
        finally:
            child.stdout.close()
            child.terminate()


def _write(out: IO[bytes], frame: bytes) -> None:
    out.write(_LENGTH.pack(len(frame)))
    out.write(frame)


def _read(source: IO[bytes]) -> bytes:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    frame = source.read(length)
    if len(frame) < length:
        raise EOFError
    return frame


def _serve(source: IO[bytes], out: IO[bytes]) -> int:
    """One job: its events in batches, then the account."""
    account = FileAccount()
    try:
        with closing(read_events(_decode_job(_read(source)), account)) as events:
            for batch in _batches(events):
                _write(out, _encode(_Frame(account.lines, batch)))
        _write(out, _encode(_Frame(account.lines, [], account)))
    except (KanheError, PolicyError, PolicyErrors) as error:
        _write(out, _encode(_Frame(error=str(error))))
    out.flush()
    return 0


def _batches(events: Iterable[Told]) -> Iterator[list[Told]]:
    rest = iter(events)
    while batch := list(islice(rest, _BATCH)):
        yield batch


if __name__ == "__main__":
    try:
        sys.exit(_serve(sys.stdin.buffer, sys.stdout.buffer))
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        # Whoever asked has gone, and hears no more.
        sys.stderr.close()
        sys.exit(1)
