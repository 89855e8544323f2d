"""What is known about one event, and about all of them: labels read from a journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from kanhe.core.time import DAY_MS
from kanhe.record.journal.ports import JournalReader, Row
from kanhe.record.labels import AUTHORITIES, About, Claim, Labels
from kanhe.replay.history import Progress, recall

_TELL_EVERY = 8_192
_MOST_EXAMPLES = 5
_QUANTILES = (0.5, 0.9, 0.99)


class Labelled(NamedTuple):
    """One event, and what was claimed about it."""

    row: Row
    about: About

    @property
    def outcome(self) -> str:
        """What was decided; empty if nothing was asked."""
        found = recall(self.row.answer)
        return found.outcome if found else ""


class LabelSummary(msgspec.Struct, kw_only=True):
    """What is known about all events of a journal at one moment."""

    as_of_ms: int
    rows: int = 0
    claims: int = 0
    """Claims that had arrived by then, and count."""
    labelled: int = 0
    """Events about which one of them holds."""
    verdicts: dict[str, int] = {}
    """Of those events, by the verdict that holds."""
    authorities: dict[str, int] = {}
    """By whose word holds."""
    contradicted: int = 0
    """Events about which claims say different things."""
    overruled: int = 0
    """Of them, those where the claim that came last does not hold."""
    before_event: int = 0
    """Claims refused: made before their event happened."""
    before_event_examples: list[str] = []
    """The ids of the first claims refused."""
    no_such_event: int = 0
    """Claims about something that never arrived, or was erased."""
    no_such_event_examples: list[str] = []
    unaddressed: int = 0
    silent: int = 0
    unreadable: int = 0
    delay_days: dict[str, float] = {}
    """How many days after its event a fraud was known: quantiles over events, by share."""


def read_labels(journal: JournalReader, progress: Progress = lambda done, total: None) -> Labels:
    """All claims of a journal; one pass over its rows."""
    labels = Labels()
    for row in _told(journal, progress, 0, journal.last_seq()):
        labels.take(row)
    return labels


def find_labelled(
    journal: JournalReader,
    tenant: str,
    event_id: str,
    progress: Progress = lambda done, total: None,
) -> Labelled | None:
    """One event of a tenant with all that was ever claimed about it; `None` if it never arrived, or
    was erased."""
    labels, found = Labels(), None
    for row in _told(journal, progress, 0, journal.last_seq()):
        labels.take(row)
        if row.event_id == event_id and row.tenant == tenant and row.is_event:
            found = row
    return None if found is None else Labelled(found, labels.about(found))


def summarise(
    journal: JournalReader,
    as_of_ms: int,
    tenant: str | None = None,
    progress: Progress = lambda done, total: None,
) -> LabelSummary:
    """What was known at a moment about all events, or those of one tenant; two passes over the rows."""
    end = journal.last_seq()
    labels = Labels()
    for row in _told(journal, progress, 0, 2 * end):
        if tenant is None or row.tenant == tenant:
            labels.take(row)
    counted = _Counting(as_of_ms)
    for row in _told(journal, progress, end, 2 * end):
        if tenant is None or row.tenant == tenant:
            counted.take(row, labels.about(row))
    return counted.summary(labels)


class _Counting:
    """The second pass of `summarise`."""

    def __init__(self, as_of_ms: int) -> None:
        self._found = LabelSummary(as_of_ms=as_of_ms)
        self._verdicts: Counter[str] = Counter()
        self._authorities: Counter[str] = Counter()
        self._delays: list[float] = []
        self._met: set[int] = set()
        self._refused: dict[int, str] = {}

    def take(self, row: Row, about: About) -> None:
        """Count one event."""
        found = self._found
        found.rows += 1
        as_of_ms = found.as_of_ms
        for claim in about.refused:
            if claim.received_ms <= as_of_ms:
                self._refused[claim.seq] = claim.event_id
        known = [claim for claim in about.claims if claim.received_ms <= as_of_ms]
        self._met.update(claim.seq for claim in known)
        holds = about.holding(as_of_ms)
        if holds is None:
            return
        found.labelled += 1
        self._verdicts[holds.verdict] += 1
        self._authorities[holds.authority] += 1
        if len({claim.verdict for claim in known}) > 1:
            found.contradicted += 1
            last = max(known, key=lambda claim: (claim.received_ms, claim.seq))
            found.overruled += last.verdict != holds.verdict
        if holds.verdict == "fraud":
            first = min(claim.received_ms for claim in known if claim.verdict == "fraud")
            self._delays.append((first - row.at_ms) / DAY_MS)

    def summary(self, labels: Labels) -> LabelSummary:
        """All of it."""
        found = self._found
        found.claims = len(self._met)
        found.verdicts = dict(self._verdicts.most_common())
        found.authorities = {a: self._authorities[a] for a in reversed(AUTHORITIES)
                             if a in self._authorities}  # fmt: skip
        lost = [claim for claim in self._arrived(labels.claims)
                if claim.seq not in self._met and claim.seq not in self._refused]  # fmt: skip
        found.no_such_event = len(lost)
        found.no_such_event_examples = [claim.event_id for claim in lost[:_MOST_EXAMPLES]]
        refused = {seq: id for seq, id in self._refused.items() if seq not in self._met}
        found.before_event = len(refused)
        found.before_event_examples = [refused[seq] for seq in sorted(refused)[:_MOST_EXAMPLES]]
        found.unaddressed, found.silent = labels.unaddressed, labels.silent
        found.unreadable = labels.unreadable
        if self._delays:
            values = np.quantile(self._delays, _QUANTILES).tolist()
            found.delay_days = {
                f"{q:g}": round(v, 3) for q, v in zip(_QUANTILES, values, strict=True)
            }
        return found

    def _arrived(self, claims: Iterable[Claim]) -> Iterator[Claim]:
        return (claim for claim in claims if claim.received_ms <= self._found.as_of_ms)


def _told(journal: JournalReader, progress: Progress, done: int, total: int) -> Iterator[Row]:
    """All rows; tells the progress."""
    for row in journal.rows():
        if row.seq % _TELL_EVERY == 0:
            progress(done + row.seq, total)
        yield row
    progress(done + journal.last_seq(), total)
