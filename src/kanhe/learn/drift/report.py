"""Drift over a journal: a baseline from one window, and everything after it held against that."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kanhe.judge.policy.pack import Pack
from kanhe.learn.drift.baseline import Baseline, BaselineError, BaselineMaker
from kanhe.learn.drift.findings import Finding, findings
from kanhe.learn.drift.reading import Numbers, Reading
from kanhe.learn.drift.scores import ModelCalibration, calibrations
from kanhe.learn.drift.watch import Watch
from kanhe.record.journal.ports import JournalReader
from kanhe.replay.history import PackProblem, Progress, kept_pack

_TELL_EVERY = 8_192


class DriftReport(msgspec.Struct, kw_only=True):
    """How everything that is watched stands."""

    baseline_policy: str
    baseline_from_ms: int
    baseline_to_ms: int
    last_seq: int = 0
    """Up to which row of the journal was counted."""
    events: int = 0
    """Rows that were looked at, from behind the baseline."""
    left_out: dict[str, int] = {}
    """Of them those that could not be counted, by reason."""
    findings: list[Finding] = []
    calibrations: list[ModelCalibration] = []
    """Whether the scores of each model mean what they say; empty as long as nobody looked."""

    @property
    def drifted(self) -> list[Finding]:
        """What has drifted, the most first."""
        return [f for f in self.findings if f.state in ("moderate", "large")]

    @property
    def score_ratios(self) -> dict[str, float]:
        """By model, where there were enough: how many frauds came for each that was expected."""
        return {c.model: c.found.ratio for c in self.calibrations if c.found.ratio is not None}

    @property
    def miscalibrated(self) -> list[ModelCalibration]:
        """The models whose scores say too much or too little."""
        return [c for c in self.calibrations if c.found.state in ("moderate", "large")]


def newest_pack(journal: JournalReader) -> Pack:
    """The pack of the newest event. Raises `BaselineError` if there is none, or it is not kept."""
    policy = ""
    # From the end in growing steps: notes and erased rows may stand there.
    last, step = journal.last_seq(), 64
    while last > 0 and not policy:
        first = max(0, last - step)
        for row in journal.rows(first):
            if row.seq > last:
                break
            policy = row.policy if row.is_event else policy
        last, step = first, 4 * step
    if not policy:
        raise BaselineError("the journal holds no events yet")
    pack = kept_pack(journal, policy)
    if isinstance(pack, PackProblem):
        raise BaselineError(f"the text of the pack {policy[:19]} cannot be used ({pack.state})")
    return pack


def make_baseline(
    journal: JournalReader,
    numbers: Numbers,
    types: Iterable[str],
    from_ms: int,
    to_ms: int,
    progress: Progress = lambda done, total: None,
) -> Baseline:
    """How events that happened from one moment to another were spread. Raises `BaselineError`."""
    types, pack = tuple(types), numbers.pack
    unknown = sorted(name for name in types if name not in pack.registry.types)
    if unknown:
        raise BaselineError(f"{', '.join(unknown)}: no such event type; see kanhe events list")
    reading = Reading(journal, numbers, types)
    maker = BaselineMaker(pack.hash, numbers.names, types)
    end = journal.last_seq()
    for row in journal.rows():
        if row.seq % _TELL_EVERY == 0:
            progress(row.seq, end)
        if from_ms <= row.at_ms <= to_ms:
            reading.take(row, maker)
    progress(end, end)
    reading.flush(maker)
    return maker.baseline()


class Follower:
    """Counts what happens after a baseline, in as many portions as it comes in."""

    def __init__(self, baseline: Baseline, numbers: Numbers) -> None:
        """Raises `BaselineError` if the baseline is of features that the pack does not have."""
        wanted = {m.name for m in baseline.measures if m.kind == "number"}
        if lacking := sorted(wanted - set(numbers.names)):
            raise BaselineError(
                f"the baseline is of other features: this pack has no {', '.join(lacking[:5])}; make it"
                " anew with kanhe drift --baseline-from … --baseline-to … --save"
            )
        self.pack = numbers.pack
        self._numbers = numbers
        self._watch = Watch(baseline, numbers.names)
        self._report = DriftReport(
            baseline_policy=baseline.policy,
            baseline_from_ms=baseline.from_ms,
            baseline_to_ms=baseline.to_ms,
        )

    @property
    def last_seq(self) -> int:
        """Up to which row of the journal was counted."""
        return self._report.last_seq

    def read_on(
        self, journal: JournalReader, progress: Progress = lambda done, total: None
    ) -> DriftReport:
        """Count the rows that came since, and say how everything stands."""
        report, end = self._report, journal.last_seq()
        reading = Reading(journal, self._numbers, self._watch.types)
        for row in journal.rows(report.last_seq):
            if row.seq % _TELL_EVERY == 0:
                progress(row.seq, end)
            if row.is_event and row.at_ms > report.baseline_to_ms:
                report.events += 1
                reading.take(row, self._watch)
        progress(end, end)
        reading.flush(self._watch)
        report.last_seq = end
        for why, count in reading.left_out.items():
            report.left_out[why] = report.left_out.get(why, 0) + count
        report.findings = findings(self._watch)
        return report

    def calibrate(
        self, journal: JournalReader, progress: Progress = lambda done, total: None
    ) -> None:
        """Hold the scores of the pack's models against the labels known by now; two passes over the
        rows. What comes of it stands in every report from now on."""
        self._report.calibrations = calibrations(journal, self._numbers, progress)
