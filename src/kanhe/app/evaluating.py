"""A policy pack on a file of old events: tables in, the path's own kernel, a trial out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import kanhe
from kanhe.app.installation import wire
from kanhe.app.opening import open_shop_table
from kanhe.app.reading import mapping_source
from kanhe.core.errors import Refusal
from kanhe.core.event import Arrival, Event
from kanhe.core.settings import Settings
from kanhe.judge.intake.group import group_of
from kanhe.judge.intake.importing import SetAside, apply
from kanhe.judge.intake.mapping_reader import read_mapping
from kanhe.judge.intake.reader import Reader
from kanhe.judge.policy.beside import derivation_of
from kanhe.judge.policy.pack import Pack
from kanhe.learn.chronicle import Chronicle
from kanhe.learn.rows import Floats, LearningError
from kanhe.learn.trial import Asked, Seconds, Told, Trial, run_trial
from kanhe.stores.memory.journal import MemoryJournal

_TENANT = "trial"
_KEY = bytes(16)
"""The trial keeps nothing, so that its codes of texts need no secret."""
_ALWAYS_MS = 1 << 62
"""When the events of a table were received: whenever they say they happened, it is past."""
_TELL_EVERY = 8_192
_UNUSABLE = frozenset({"broken-line", "not-understood", "disagrees", "late-line"})
"""Lines that the mapping did not mean to leave out. A trial on the rest would not say so in its figures."""

Progress = Told
"""As the trial tells it, and of `reading` before."""


def example_folder(name: str) -> Path:
    """The folder of an example that comes with Kanhe: inside the package, or in the checkout.

    Raises `LearningError` if it is not there.
    """
    package = Path(kanhe.__file__).parent
    for folder in (package / "examples" / name, package.parents[1] / "examples" / name):
        if folder.is_dir():
            return folder
    raise LearningError(
        f"the example {name} does not lie beside this installation; name its parts with --policy,"
        " --map and --labels"
    )


def try_pack(
    settings: Settings,
    data: Path,
    mappings: Sequence[Path],
    asked: Asked,
    seconds: Seconds,
    progress: Progress,
) -> Trial:
    """Read the events and labels of a table by its mappings, and run a trial of the pack on them.

    Raises `KanheError` for a table, a mapping or a fold that cannot be used, with what to do.
    """
    reader = Reader(asked.pack.registry)
    chronicle = Chronicle(asked.plan.types[0], "card", frozenset({"fraud"}))
    for mapping in mappings:
        _read(data, mapping, reader, chronicle, progress)
    memory = _Path(settings, asked.pack)
    return run_trial(chronicle, asked, memory, seconds, progress)


def _read(data: Path, path: Path, reader: Reader, chronicle: Chronicle, progress: Progress) -> None:
    """Take up every event that a mapping makes of the table."""
    mapping = read_mapping(mapping_source(path), reader.registry)
    table = open_shop_table(data, mapping.table)
    read = 0
    for result in apply(mapping, table.chunks(mapping.columns)):
        read += result.lines
        if read % _TELL_EVERY == 0:
            progress("reading", read, table.rows)
        where = f"{data}, line {result.line}"
        if isinstance(result, SetAside):
            if result.kind in _UNUSABLE:
                raise LearningError(f"{where}: {result.detail} ({result.kind})")
            continue
        try:
            arrival = reader.read(_TENANT, result.body, _ALWAYS_MS)
        except Refusal as refusal:
            errors = refusal.problem.errors or ()
            told = "; ".join(f"{e.field}: expected {e.expected}, got {e.got}" for e in errors)
            raise LearningError(f"{where}: {told or refusal.problem.title}") from None
        chronicle.take(arrival, where)
    progress("reading", table.rows, table.rows)


class _Path:
    """The path of an event as far as a trial needs it: read, features, derived numbers."""

    def __init__(self, settings: Settings, pack: Pack) -> None:
        flow = wire(pack, settings, _KEY, MemoryJournal())
        self._reader = flow.reader
        self._features = flow.features
        self._derivation = derivation_of(pack, flow.features.text_code)

    def reread(self, body: bytes) -> Arrival:
        """An accepted event again."""
        return self._reader.reread(_TENANT, body, _ALWAYS_MS)

    def observe(self, arrivals: Sequence[Arrival]) -> Floats:
        """Take up to a group of events into the features."""
        return self._features.observe_group(group_of(arrivals))[0]

    def numbers(self, names: Sequence[str], events: Sequence[Event], vectors: Floats) -> Floats:
        """The features and derived numbers of these names."""
        return self._derivation.matrix(names, events, vectors)
