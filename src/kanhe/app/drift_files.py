"""What drift leaves beside the journal: the baseline, and the newest report for those who serve."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kanhe.core.errors import StorageError
from kanhe.core.settings import Settings
from kanhe.learn.drift.baseline import Baseline, read_baseline, write_baseline
from kanhe.learn.drift.report import DriftReport
from kanhe.stores.files.durable import replace_file

BASELINE_FILE = "drift-baseline.json"
REPORT_FILE = "drift.json"


def keep_baseline(settings: Settings, baseline: Baseline) -> Path:
    """Keep it beside the journal, where it stays in force until another one is kept; durable."""
    path = Path(settings.data_dir) / BASELINE_FILE
    _replace(path, write_baseline(baseline))
    return path


def kept_baseline(settings: Settings) -> Baseline | None:
    """The baseline beside the journal; `None` if there is none. Raises `BaselineError`."""
    raw = _read(Path(settings.data_dir) / BASELINE_FILE)
    return None if raw is None else read_baseline(raw)


def has_baseline(settings: Settings) -> bool:
    """Whether there is a baseline beside the journal."""
    return (Path(settings.data_dir) / BASELINE_FILE).exists()


def keep_report(settings: Settings, report: DriftReport) -> None:
    """Leave a report for the process that serves, whose metrics show it."""
    _replace(Path(settings.data_dir) / REPORT_FILE, msgspec.json.encode(report))


def kept_report(settings: Settings) -> DriftReport | None:
    """The newest report; `None` if there is none that can be read."""
    try:
        raw = _read(Path(settings.data_dir) / REPORT_FILE)
        return None if raw is None else _report(raw)
    except (StorageError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Whoever asks for metrics gets all the others; the next report takes this one's place.
        return None


_report = msgspec.json.Decoder(DriftReport).decode


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error


def _replace(path: Path, content: bytes) -> None:
    try:
        replace_file(path, content)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
