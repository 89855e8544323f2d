"""What every replay reads: the rows of a journal in groups, and the packs of their time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from kanhe.core.errors import Refusal
from kanhe.core.event import Arrival
from kanhe.flow import Flow
from kanhe.judge.features.layout import GROUP
from kanhe.judge.intake.group import group_of
from kanhe.judge.language.source import PolicyErrors
from kanhe.judge.policy.files import EVENTS, FEATURES
from kanhe.judge.policy.pack import Pack, load_archive
from kanhe.record.journal.ports import ERASED, JournalReader, KeepsPolicies, Row
from kanhe.replay.span import Span

_Coded = TypeVar("_Coded")
_Read = TypeVar("_Read")

Progress = Callable[[int, int], None]
"""Called now and then with rows read and rows to read; the second number is known after a first look."""

_TELL_EVERY = 32
"""Groups between two words about the progress."""


class History(NamedTuple):
    """The past of one installation."""

    journal: JournalReader
    wire: Callable[[Pack], Flow]
    """Makes the path of an event for a pack, empty of events, under the installation's own key."""


class Group(NamedTuple):
    """Some neighbouring rows, taken into the memory of a flow."""

    rows: list[Row]
    read: list[tuple[Row, Arrival]]
    """Those that are events and that the pack can read, in order."""
    unread: list[tuple[Row, Refusal]]
    """Events that the pack cannot read, and why. They count for nothing."""
    vectors: npt.NDArray[np.float64]
    packed: list[bytes]
    """The vector of each of `read`, and its journal form."""


def groups(rows: Iterable[Row], flow: Flow) -> Iterator[Group]:
    """Take rows into the memory of a flow, a group at a time, as `Flow.take` once did.

    The lists are left to whoever asks: they follow the recorded decisions, or new ones. The arrays
    of a group are written over by the next one.
    """
    rest = iter(rows)
    while chunk := list(islice(rest, GROUP)):
        read, unread = _reread(chunk, flow)
        vectors, packed = flow.features.observe_group(group_of([arrival for _, arrival in read]))
        yield Group(chunk, read, unread, vectors, packed)


def _reread(
    rows: Iterable[Row], flow: Flow
) -> tuple[list[tuple[Row, Arrival]], list[tuple[Row, Refusal]]]:
    read, unread = [], []
    reread = flow.reader.reread
    for row in rows:
        if row.is_event:
            try:
                read.append((row, reread(row.tenant, row.body, row.received_ms)))
            except Refusal as refusal:
                unread.append((row, refusal))
    return read, unread


class Recalled(msgspec.Struct, frozen=True):
    """As much of a recorded answer as is needed for most events."""

    outcome: str = ""
    score: int = 0
    reasons: tuple[_Fired, ...] = ()


class _Fired(msgspec.Struct, frozen=True):
    rule: str


def recall(answer: bytes) -> Recalled | None:
    """What a recorded answer says; `None` if it cannot be read any more."""
    return decoded(_recall, answer)


def decoded(decode: Callable[[_Coded], _Read], coded: _Coded) -> _Read | None:
    """What `decode` makes of bytes that somebody may have tampered with; `None` if nothing."""
    try:
        return decode(coded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_recall = msgspec.json.Decoder(Recalled).decode


class Stretch(msgspec.Struct):
    """Where in a span the events of one pack stand."""

    first: int
    last: int
    events: int = 0


class Survey(msgspec.Struct):
    """A first look at a span: what will have to be done."""

    rows: int = 0
    first: int = 0
    last: int = 0
    """The lowest and the highest number in the span, 0 if there is none."""
    noted: int = 0
    erased: int = 0
    packs: dict[str, Stretch] = {}
    """By content hash, in the order in which they first stand there."""


def survey(journal: JournalReader, span: Span, progress: Progress) -> Survey:
    """Look through a span once."""
    found = Survey()
    end = min(span.last_seq, journal.last_seq())
    for row in journal.rows(span.first_seq - 1):
        if row.seq > end:
            break
        if row.seq % (_TELL_EVERY * GROUP) == 0:
            progress(row.seq, end)
        if not span.holds(row):
            continue
        found.rows += 1
        found.first = found.first or row.seq
        found.last = row.seq
        if not row.is_event:
            found.erased += row.kind == ERASED
            found.noted += row.kind != ERASED
            continue
        stretch = found.packs.setdefault(row.policy, Stretch(row.seq, row.seq))
        stretch.last = row.seq
        stretch.events += 1
    return found


class PackProblem(NamedTuple):
    """Why the pack behind a hash cannot be used: `state` is `not_kept`, `altered` or `unreadable`."""

    state: str
    why: str = ""


def kept_pack(journal: KeepsPolicies, policy: str) -> Pack | PackProblem:
    """The pack that was in force under this hash, or why there is none."""
    archive = journal.policy(policy)
    if archive is None:
        return PackProblem("not_kept")
    try:
        pack = load_archive(archive)
    except PolicyErrors as errors:
        return PackProblem("unreadable", str(errors).splitlines()[0])
    # The hash stands in every decision, so an archive cannot be exchanged without being found out.
    return pack if pack.hash == policy else PackProblem("altered", pack.hash)


def same_features(one: Pack, other: Pack) -> bool:
    """Whether the features of two packs mean just the same, whatever else differs."""
    return (
        one.files.get(FEATURES) == other.files.get(FEATURES)
        and one.files.get(EVENTS) == other.files.get(EVENTS)
        and (one.rates.base, one.rate_texts) == (other.rates.base, other.rate_texts)
    )


def upto(
    journal: JournalReader, last: int, progress: Progress, done: int, total: int
) -> Iterator[Row]:
    """The rows from the first one to `last`; tells the progress, `done` rows having been read before."""
    for row in journal.rows():
        if row.seq > last:
            return
        if row.seq % (_TELL_EVERY * GROUP) == 0:
            progress(done + row.seq, total)
        yield row
