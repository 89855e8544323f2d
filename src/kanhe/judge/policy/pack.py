"""A policy pack: a folder of text in, everything the path of an event needs out, under one hash.

(1) All files are read into memory at once; the hash and the archive are made from those bytes.
(2) `pack.toml`: name, money, verdict, lists, caps.
(3) `events.kanhe`: the shop's own fields and event types, on top of the built-in registry.
(4) `features.kanhe`, checked against the registry: features, and numbers derived from them.
(5) `models/*.json`, each named by a model of the manifest; every input must be one of those.
(6) `rules/*.kanhe`, checked against registry, features, models and lists.
(7) `lists/*.csv`, each named by a list of the manifest.

Mistakes are gathered over all steps, so that an author sees them together. Where the ground of a
step is broken, the step is left out rather than reported against half a registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from kanhe.core.decision import Text
from kanhe.core.money import Rates
from kanhe.judge.features.declare import read_features
from kanhe.judge.features.derived import DerivedSpec, read_derived
from kanhe.judge.features.spec import VALUE, FeatureSpec
from kanhe.judge.intake.custom import read_custom
from kanhe.judge.intake.registry import Registry, builtin
from kanhe.judge.language.literals import text_of
from kanhe.judge.language.scope import KIND_TYPES
from kanhe.judge.language.source import (
    Mistakes,
    PolicyError,
    PolicyErrors,
    Source,
    parse_calls,
    suggestion,
)
from kanhe.judge.language.tree import Type
from kanhe.judge.models.scoring import ScoredModel
from kanhe.judge.policy import files as pack_files
from kanhe.judge.policy.files import EVENTS, FEATURES, MANIFEST, Files
from kanhe.judge.policy.manifest import Manifest, read_manifest
from kanhe.judge.policy.model_files import read_models
from kanhe.judge.rules.declare import RuleSpec, read_rules
from kanhe.judge.rules.lists import ListSpec, PackEntry, read_list_file
from kanhe.judge.verdict.caps import GovernorTable
from kanhe.judge.verdict.decide import VerdictTable

_T = TypeVar("_T")

MAX_RULES = 2_000
"""How many rules a pack may hold."""
DOMAIN = "domain"
"""What a list of e-mail domains holds: not a field, but what `domain(email)` gives."""


@dataclass(frozen=True)
class Pack:
    """A policy pack that was read without a mistake. Nothing in it changes any more."""

    name: str
    version: str
    description: Text
    hash: str
    """`sha256:` and 64 hex digits over the pack's files; it stands in every decision."""
    registry: Registry
    features: tuple[FeatureSpec, ...]
    derived: tuple[DerivedSpec, ...]
    """Numbers made of an event and its features; no part of the journaled vector."""
    models: tuple[ScoredModel, ...]
    rules: tuple[RuleSpec, ...]
    lists: tuple[ListSpec, ...]
    entries: dict[str, tuple[PackEntry, ...]]
    """The entries of the list files, by the name of the list."""
    rates: Rates
    rate_texts: dict[str, str]
    """The rates as the manifest writes them."""
    verdict: VerdictTable
    governor: GovernorTable
    files: dict[str, bytes] = field(repr=False)

    @property
    def archive(self) -> bytes:
        """All files in one block of bytes, from which `load_archive` makes the same pack again."""
        return pack_files.archive(self.files)


def starter_path() -> Path:
    """The folder of the pack that comes with Kanhe."""
    return Path(__file__).with_name("starter")


def load_pack(folder: Path) -> Pack:
    """Read the pack in a folder. Raises `PolicyErrors` with every mistake found in its files."""
    return build_pack(_read(lambda: pack_files.read_folder(folder)))


def load_archive(data: bytes) -> Pack:
    """The pack an `archive` was made of, with the same hash. Raises `PolicyErrors`."""
    return build_pack(_read(lambda: pack_files.unarchive(data)))


def build_pack(files: Files) -> Pack:
    """Make a pack of its files, by the steps above. Raises `PolicyErrors`."""
    mistakes = Mistakes()
    declared: _Declared | None = None
    models: list[ScoredModel] = []
    rules: list[RuleSpec] = []
    entries: dict[str, tuple[PackEntry, ...]] = {}
    manifest = _tried(mistakes, lambda: read_manifest(_source(files, MANIFEST)))  # (2)
    registry = _tried(mistakes, lambda: _registry(files))  # (3)
    if registry is not None:
        declared = _features(files, registry, mistakes)  # (4)
    if manifest is not None and registry is not None:
        _check_manifest(manifest, registry, mistakes)
        with mistakes.gathered():
            models = read_models(files, manifest, registry, _numbers(declared))  # (5)
        if declared is not None:
            rules = _rules(files, registry, declared, manifest, mistakes)  # (6)
    if manifest is not None:
        entries = _entries(files, manifest, mistakes)  # (7)
        _check_caps(manifest, rules, mistakes)
    mistakes.raise_any()
    assert manifest is not None
    assert registry is not None
    return Pack(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        hash=pack_files.content_hash(files),
        registry=registry,
        features=tuple(declared.features if declared else ()),
        derived=tuple(declared.derived if declared else ()),
        models=tuple(models),
        rules=tuple(rules),
        lists=manifest.lists,
        entries=entries,
        rates=Rates(manifest.base, manifest.rates),
        rate_texts=manifest.rates,
        verdict=manifest.verdict,
        governor=manifest.governor,
        files=dict(files),
    )


def _read(read: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """The files that `read` gives; a single `PolicyError` is raised as `PolicyErrors` too."""
    mistakes = Mistakes()
    files = _tried(mistakes, read)
    mistakes.raise_any()
    return files or {}


def _tried(mistakes: Mistakes, read: Callable[[], _T]) -> _T | None:
    """What `read` gives, or `None` once its mistakes have been gathered."""
    found: _T | None = None
    with mistakes.gathered():
        found = read()
    return found


def _source(files: Files, name: str) -> Source:
    if name not in files:
        raise PolicyError(name, 1, 1, f"{name} is missing", f"every pack has a {name}")
    return Source.decode(name, files[name])


def _registry(files: Files) -> Registry:
    if EVENTS not in files:
        return builtin()
    return read_custom(_source(files, EVENTS), builtin())


class _Declared(NamedTuple):
    """What `features.kanhe` declares."""

    features: list[FeatureSpec]
    derived: list[DerivedSpec]
    sound: bool = True
    """Whether these are the declarations themselves, and not stand-ins for mistaken ones."""


def _features(files: Files, registry: Registry, mistakes: Mistakes) -> _Declared | None:
    """What is declared; stand-ins of the same names where some are wrong, so that rules can be checked.

    `None` where not even the names can be told. A pack without features is a pack of plain rules.
    """
    if FEATURES not in files:
        return _Declared([], [])
    fields_by_type = {name: registry.fields_of(name) for name in registry.types}
    source = _tried(mistakes, lambda: _source(files, FEATURES))
    if source is None:
        return None
    features = _tried(mistakes, lambda: read_features(source, fields_by_type))
    known = _stand_ins(source, registry) if features is None else features
    if known is None:
        return None
    counted = [spec for spec in known if spec.function != VALUE]
    derived = _tried(mistakes, lambda: read_derived(source, fields_by_type, counted))
    if features is None or derived is None:
        return _Declared(_stand_ins(source, registry) or known, [], sound=False)
    return _Declared(features, derived)


def _numbers(declared: _Declared | None) -> dict[str, bool] | None:
    """What a model may read, and whether it is a number; `None` where that is not known."""
    if declared is None or not declared.sound:
        return None
    numbers = {spec.name: not spec.is_text for spec in declared.features}
    return numbers | {spec.name: True for spec in declared.derived}


def _stand_ins(source: Source, registry: Registry) -> list[FeatureSpec] | None:
    """One feature for each name declared, of the type it would most likely have had."""
    found = []
    try:
        for declaration in parse_calls(source):
            if declaration.name is None:
                continue
            is_text = False
            if declaration.function == "last" and len(declaration.args) > 1:
                spec = registry.fields.get(text_of(source, declaration.args[1]))
                is_text = spec is not None and KIND_TYPES[spec.kind] is Type.TEXT
            kind = VALUE if declaration.function == VALUE else "count"
            found.append(FeatureSpec(declaration.name, kind, (), (), is_text=is_text))
    except (PolicyError, PolicyErrors):
        # These mistakes were gathered when the features were read; here they only mean "unknown".
        return None
    return found


def _rules(
    files: Files,
    registry: Registry,
    declared: _Declared,
    manifest: Manifest,
    mistakes: Mistakes,
) -> list[RuleSpec]:
    """The rules of all files, in the order of their names; an id stands once in the whole pack."""
    rules: list[RuleSpec] = []
    # A model whose file is wrong is known by its name all the same.
    numbers = [spec.name for spec in declared.derived] + [spec.name for spec in manifest.models]
    for name in sorted(files):
        if not name.startswith("rules/"):
            continue
        taken = {rule.id: rule for rule in rules}
        with mistakes.gathered():
            source = _source(files, name)
            rules += read_rules(source, registry, declared.features, manifest.lists, taken, numbers)
            if len(rules) > MAX_RULES:
                raise source.error_at(
                    1, 1, f"{len(rules)} rules so far; a pack holds at most {MAX_RULES}"
                )
    return rules


def _check_manifest(manifest: Manifest, registry: Registry, mistakes: Mistakes) -> None:
    """What only the registry can tell: event types in `[failures]`, fields that lists hold."""
    error = manifest.document.error
    for event_type in manifest.verdict.failures:
        if event_type not in registry.types:
            hint = suggestion(event_type, registry.types)
            mistakes.found.append(
                error(("failures", event_type), f"unknown event type {event_type[:80]}", hint)
            )
    texts = {DOMAIN} | {
        name for name, spec in registry.fields.items() if KIND_TYPES[spec.kind] is Type.TEXT
    }
    for listed in manifest.lists:
        if listed.holds not in texts:
            hint = suggestion(listed.holds, texts) or "a list holds a field such as card or user"
            place = ("lists", listed.name, "holds")
            mistakes.found.append(error(place, f"{listed.holds[:80]!r} is no text field", hint))


def _check_caps(manifest: Manifest, rules: list[RuleSpec], mistakes: Mistakes) -> None:
    """Caps of a rule that is not there; of rules with mistakes nobody knows which there are."""
    known = [rule.id for rule in rules]
    for id in manifest.governor.rules:
        if id not in known and not mistakes.found:
            place = ("governor", "rules", id)
            error = manifest.document.error(place, f"no rule is {id[:80]}", suggestion(id, known))
            mistakes.found.append(error)


def _entries(
    files: Files, manifest: Manifest, mistakes: Mistakes
) -> dict[str, tuple[PackEntry, ...]]:
    """The entries of every list that has a file; a file that no list names is a mistake."""
    specs = {listed.name: listed for listed in manifest.lists}
    present = sorted(name for name in files if name.startswith("lists/"))
    entries: dict[str, tuple[PackEntry, ...]] = {}
    for name, file in manifest.list_files.items():
        with mistakes.gathered():
            if file not in present:
                hint = (
                    suggestion(file, present) or 'list files lie in lists/, such as "lists/a.csv"'
                )
                place = ("lists", name, "file")
                raise manifest.document.error(place, f"there is no file {file}", hint)
            entries[name] = tuple(read_list_file(_source(files, file), specs[name]))
    for file in sorted(set(present) - set(manifest.list_files.values())):
        mistakes.found.append(
            PolicyError(file, 1, 1, "no list names this file", f'add file = "{file}" to a list')
        )
    return entries
