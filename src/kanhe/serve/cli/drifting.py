"""`kanhe drift`: what is no longer as it was, and since when; once, or for as long as it runs."""

from __future__ import annotations

import itertools
import logging
import threading

from kanhe.app.drift_files import keep_baseline, keep_report, kept_baseline
from kanhe.app.drifting import Drifting, baseline_of
from kanhe.core.errors import KanheError, SettingsError, StorageError
from kanhe.core.settings import Settings
from kanhe.core.time import DAY_MS
from kanhe.learn.drift.baseline import Baseline
from kanhe.learn.drift.findings import Finding
from kanhe.learn.drift.report import DriftReport
from kanhe.replay import day_begin_of, day_end_of
from kanhe.serve.cli.sequencing import until_stopped
from kanhe.serve.cli.terminal import (
    OK,
    REFUSED,
    print_json,
    print_table,
    rows_bar,
    say,
    shown_time,
)
from kanhe.serve.cli.wording import words

_log = logging.getLogger("kanhe.drift")
_GIVES_WAY = 10
"""By how much the process beside a server is nicer than it."""
_ENDLESS = 2**63 - 1
_LEAST_MS = 1_000


def drift(
    settings: Settings,
    begin: str,
    end: str,
    types: list[str],
    *,
    save: bool,
    show_all: bool,
    as_json: bool,
) -> int:
    """Hold what happened after the baseline against it. Returns 1 if something has drifted."""
    baseline = _baseline(settings, begin, end, types)
    if save and baseline is not None:
        path = keep_baseline(settings, baseline)
        if not as_json:
            say(words("drift.saved", file=str(path)))
    with rows_bar(words("drift.progress")) as progress:
        report = Drifting(settings, baseline).look(progress)
    if report is None:
        raise SettingsError(words("drift.no_baseline"))
    if as_json:
        print_json(report)
    else:
        _show(report, show_all)
    return REFUSED if report.drifted or report.miscalibrated else OK


def _baseline(settings: Settings, begin: str, end: str, types: list[str]) -> Baseline | None:
    """From the window asked for, else the one that is kept, if there is one."""
    if begin or end:
        from_ms = day_begin_of(begin, "--baseline-from") if begin else -_ENDLESS
        to_ms = day_end_of(end, "--baseline-to") if end else _ENDLESS
        if from_ms > to_ms:
            raise SettingsError(words("drift.backwards", begin=begin, end=end))
        with rows_bar(words("drift.baseline_progress")) as progress:
            return baseline_of(settings, types, from_ms, to_ms, progress)
    return kept_baseline(settings)


def _show(report: DriftReport, show_all: bool) -> None:
    say(words("drift.baseline", begin=shown_time(report.baseline_from_ms),
              end=shown_time(report.baseline_to_ms), events=report.events))  # fmt: skip
    for why, count in sorted(report.left_out.items()):
        say(words("drift.left_out", why=words(f"left_out.{why}"), count=count))
    states = [f.state for f in report.findings]
    say(words("drift.counted", drifted=len(report.drifted), stable=states.count("stable"),
              little=states.count("not_enough")))  # fmt: skip
    shown = report.findings if show_all else report.drifted
    if shown:
        columns = [words(f"col.{c}") for c in ("watched", "state", "drift_value", "drift_limits",
                                               "since", "events", "moved")]  # fmt: skip
        print_table(columns, [_row(f) for f in shown], right=(2, 3, 5), whole=(0, 4))
    _show_calibrations(report)


def _show_calibrations(report: DriftReport) -> None:
    if not report.calibrations:
        return
    columns = [words(f"col.{c}") for c in ("model", "state", "events", "expected", "observed",
                                           "drift_value", "calibration_error")]  # fmt: skip
    rows = [
        (c.model, words(f"drift.state.{c.found.state}"), c.found.events, f"{c.found.expected:,.1f}",
         c.found.observed, "—" if c.found.ratio is None else f"×{c.found.ratio:.2f}",
         "—" if c.found.error is None else f"{c.found.error:.4f}")
        for c in report.calibrations
    ]  # fmt: skip
    print_table(columns, rows, title=words("drift.calibrations"), right=(2, 3, 4, 5, 6), whole=(0,),
                caption=words("drift.calibrations_caption"))  # fmt: skip


def _row(finding: Finding) -> tuple[object, ...]:
    known = finding.value is not None
    return (
        f"{finding.name} ({finding.type})" if finding.type else finding.name,
        words(f"drift.state.{finding.state}"),
        _value(finding) if known else "—",
        _limits(finding),
        shown_time(finding.since_day * DAY_MS)[:10] if finding.since_day is not None else "—",
        finding.events,
        _moved(finding),
    )


def _value(finding: Finding) -> str:
    return f"×{finding.value:.2f}" if finding.kind == "rule" else f"{finding.value:.3f}"


def _limits(finding: Finding) -> str:
    mark = "×" if finding.kind == "rule" else ""
    return f"{mark}{finding.moderate:g} / {mark}{finding.large:g}"


def _moved(finding: Finding) -> str:
    if finding.then is None or finding.now is None:
        return ""
    where = finding.where
    if where in ("missing", "known", "fired"):
        where = words(f"drift.bin.{where}")
    elif finding.kind == "outcome":
        where = words(f"outcome.{where}")
    return f"{where}: {finding.then:.2%} → {finding.now:.2%}"


# For as long as it runs


def watch(settings: Settings, *, beside_parent: bool) -> int:
    """Look again and again until told to stop; what changes is logged, and left for the metrics."""
    from kanhe.serve.logs import start_logging

    start_logging(settings.log_level, settings.log_format)
    baseline = kept_baseline(settings)
    stop = until_stopped(beside_parent, _GIVES_WAY)
    _look_on(settings, baseline, stop)
    return OK


def _look_on(settings: Settings, baseline: Baseline | None, stop: threading.Event) -> None:
    """Look, tell what is new, and go on after a fault."""
    drifting, told, trouble = Drifting(settings, baseline), Told(), ""
    every_ms = max(_LEAST_MS, settings.drift_every_ms)
    for number in itertools.count():
        try:
            # Labels come by the day: once a day is often enough to read everything for them.
            report = drifting.look(calibrate=number % max(1, DAY_MS // every_ms) == 0)
            if report is not None:
                told.tell(report)
                keep_report(settings, report)
            trouble = ""
        except KanheError as error:
            if str(error) != trouble:
                level = logging.ERROR if isinstance(error, StorageError) else logging.WARNING
                _log.log(level, "drift.cannot_look", extra={"cause": str(error)})
            trouble = str(error)
        if stop.wait(every_ms / 1000):
            return


class Told:
    """Which drifts were told already: each is told when it begins, when it grows, and when it ends."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str, str], str] = {}

    def tell(self, report: DriftReport) -> None:
        """Log what has changed since the report before."""
        for one in report.calibrations:
            key = "calibration", "", one.model
            before = self._states.get(key, "calibrated")
            if one.found.state in ("not_enough", before):
                continue
            self._states[key] = one.found.state
            extra: dict[str, object] = {"model": one.model, "ratio": one.found.ratio}
            if one.found.state == "calibrated":
                _log.info("calibration.restored", extra=extra)
            else:
                _log.warning(f"calibration.{one.found.state}", extra=extra)
        for finding in report.findings:
            key = finding.kind, finding.type, finding.name
            before = self._states.get(key, "stable")
            if finding.state == "not_enough" or finding.state == before:
                continue
            self._states[key] = finding.state
            if finding.state == "stable":
                _log.info("drift.over", extra=_named(finding))
            else:
                assert finding.since_day is not None, "what has drifted has begun"
                since = shown_time(finding.since_day * DAY_MS)[:10]
                extra = _named(finding) | {"value": finding.value, "since": since}
                _log.warning(f"drift.{finding.state}", extra=extra)


def _named(finding: Finding) -> dict[str, object]:
    return {"kind": finding.kind, "type": finding.type, "what": finding.name}
