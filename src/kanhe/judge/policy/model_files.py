"""The models of a pack: each file read and held against what the pack declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kanhe.judge.intake.registry import Registry
from kanhe.judge.language.scope import AMOUNT_BASE
from kanhe.judge.language.source import Mistakes, PolicyError, suggestion
from kanhe.judge.models.checks import ModelError
from kanhe.judge.models.model import Model
from kanhe.judge.models.portable import read_model
from kanhe.judge.models.scoring import ScoredModel
from kanhe.judge.policy.document import Document
from kanhe.judge.policy.files import MANIFEST, Files
from kanhe.judge.policy.manifest import Manifest, NamedModel


def read_models(
    files: Files, manifest: Manifest, registry: Registry, numbers: Mapping[str, bool] | None
) -> list[ScoredModel]:
    """Every model that the manifest names. Raises `PolicyErrors` naming every mistake.

    `numbers` are the features and derived numbers of the pack, and whether each is a number to learn
    from; without it (they are mistaken themselves) inputs are not checked.
    """
    mistakes = Mistakes()
    taken = {listed.name for listed in manifest.lists} | {*registry.fields, "type", AMOUNT_BASE}
    taken |= {*(numbers or ())}
    found: list[ScoredModel] = []
    for named in manifest.models:
        with mistakes.gathered():
            _check_name(named, manifest.document, registry, taken)
            model = _model(named, manifest.document, files)
            if numbers is not None:
                _check_inputs(named, manifest.document, model, numbers)
            found.append(ScoredModel(named.name, named.on, named.file, model))
    named_files = {named.file for named in manifest.models}
    for file in sorted(name for name in files if name.startswith("models/")):
        # Said alone: a misspelled name would make two mistakes of one.
        if file not in named_files and not mistakes.found:
            hint = f'add [models.my_model] with file = "{file}" to {MANIFEST}'
            mistakes.found.append(
                PolicyError(file, 1, 1, "no model of the pack names this file", hint)
            )
    mistakes.raise_any()
    return found


def _check_name(
    named: NamedModel, document: Document, registry: Registry, taken: Collection[str]
) -> None:
    """The name must mean nothing else yet, and the event types must be there."""
    place = ("models", named.name)
    if named.name in taken:
        raise document.error(
            place, f"{named.name} is a field, a feature or a list", "choose another name"
        )
    for event_type in named.on:
        if event_type not in registry.types:
            hint = suggestion(event_type, registry.types)
            raise document.error((*place, "on"), f"unknown event type {event_type[:80]}", hint)


def _model(named: NamedModel, document: Document, files: Files) -> Model:
    """The model in the file; what is wrong with it is said where the file is named."""
    place = ("models", named.name, "file")
    if named.file not in files or not named.file.startswith("models/"):
        present = [name for name in files if name.startswith("models/")]
        hint = suggestion(named.file, present) or 'models lie in models/, such as "models/a.json"'
        raise document.error(place, f"there is no model file {named.file}", hint)
    try:
        return read_model(files[named.file])
    except ModelError as refused:
        raise document.error(place, f"{named.file}: {refused.message}", refused.hint) from None


def _check_inputs(
    named: NamedModel, document: Document, model: Model, numbers: Mapping[str, bool]
) -> None:
    """A model made for other features gives numbers without meaning, so it is refused."""
    place = ("models", named.name, "file")
    lacking = [name for name in model.input_names if name not in numbers]
    if lacking:
        several = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if lacking[5:] else "")
        near = suggestion(lacking[0], numbers)
        todo = "declare them in features.kanhe as they were, or train a model for this pack"
        raise document.error(
            place,
            f"this model was made for other features: the pack has no {several}",
            f"{near} {todo}" if near else todo,
        )
    for name in model.input_names:
        if not numbers[name]:
            raise document.error(
                place,
                f"the model reads {name}, a text feature, whose code is no number to learn from",
                "train it without, or on a derived number that compares the text",
            )
