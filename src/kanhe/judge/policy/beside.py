"""What a pack puts beside the vector of an event: derived numbers, and the scores of its models."""

from __future__ import annotations

from collections.abc import Callable

from kanhe.judge.features.derivation import Derivation
from kanhe.judge.models.scoring import Scoring
from kanhe.judge.models.words import sentences_of
from kanhe.judge.policy.pack import Pack


def derivation_of(pack: Pack, text_code: Callable[[str], float]) -> Derivation:
    """The derived numbers of a pack, compiled; `text_code` is that of its `LiveFeatures`.

    `Derivation.matrix` gives the inputs of a model for events and their vectors, by name.
    """
    return Derivation(
        pack.derived,
        [spec.name for spec in pack.features],
        {name: pack.registry.required_of(name) for name in pack.registry.types},
        pack.rates,
        text_code,
    )


def scoring_of(pack: Pack, text_code: Callable[[str], float]) -> Scoring:
    """Everything that rules of the pack read beside the vector."""
    return Scoring(
        derivation_of(pack, text_code),
        pack.models,
        sentences_of(pack.features, pack.derived, pack.rates.base),
    )
