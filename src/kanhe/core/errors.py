"""Errors and refusals: one root exception, and problem details as RFC 9457 writes them."""

from __future__ import annotations

import msgspec

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that was not as expected.

    `field` is the name of the field (dotted for nested ones, empty for the whole body), `expected`
    says in words what would have been accepted, `got` quotes at most 80 characters of what came.
    """

    field: str
    expected: str
    got: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Problem details (RFC 9457). `type` is a path below `/problems/`, each documented in docs."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()
    line: int = 0
    """In a batch, the number of the line that was refused, counted from 1; 0 elsewhere."""


class KanheError(Exception):
    """The root of every error Kanhe raises on purpose. The text says what was wrong and what to do."""


class Refusal(KanheError):
    """Something from outside was not accepted. Carries the problem that is sent back."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class StorageError(KanheError):
    """A store could not do its work (full disk, read-only file, broken file); nothing was acknowledged."""


class SettingsError(KanheError):
    """A setting is missing, unknown or out of range."""


def refuse(slug: str, title: str, status: int, detail: str = "", *errors: FieldProblem) -> Refusal:
    """Build the refusal whose problem type is `/problems/<slug>`."""
    return Refusal(Problem(f"/problems/{slug}", title, status, detail, errors))
