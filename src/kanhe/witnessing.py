"""The composition root of a witness, apart from that of the judge: a witness is another process, often on
another machine, and loads nothing of the judging in which it has no part."""

from __future__ import annotations

import secrets

from kanhe.core.time import Clock
from kanhe.record.log.cosignature import WitnessKey
from kanhe.stores.files.witness_folder import RunningWitness, WitnessFolder


def witness_at(folder: str) -> WitnessFolder:
    """A witness at home in this folder, whether it runs or not."""
    return WitnessFolder(folder)


def make_witness(folder: str, name: str) -> WitnessKey:
    """Make a witness that cosigns under `name`; raises `StorageError` if there is one already."""
    return WitnessFolder(folder).create(name, secrets.token_bytes)


def open_witness(folder: str, clock: Clock) -> RunningWitness:
    """Open a witness to cosign; raises `StorageError`, also if another process cosigns there."""
    return RunningWitness(WitnessFolder(folder), clock)
