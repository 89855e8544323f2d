"""`kanhe buyers`: factors of buyers, for customer service. Works while a server runs."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from kanhe.app.stepping_up.opening import StepUps
from kanhe.core.settings import Settings
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import OK, print_json, print_table, say
from kanhe.serve.cli.wording import words


def factors(settings: Settings, user: str, tenant: str, as_json: bool) -> int:
    """List what a buyer has set up; never what is secret about it."""
    step_ups = StepUps(settings, now_ms)
    try:
        found = step_ups.enrolling.factors(tenant, user) if step_ups.is_used else []
    finally:
        step_ups.close()
    if as_json:
        print_json([one._asdict() for one in found])
    elif not found:
        say(words("buyers.none"))
    else:
        columns = ("factor", "kind", "state", "sent_to", "created", "used")
        rows = [
            (
                one.id, words(f"factor.{one.kind}"),
                words("factor.counts" if one.confirmed else "factor.waits"), one.sent_to or "–",
                _date(one.created_ms), _date(one.used_ms),
            )
            for one in found
        ]  # fmt: skip
        print_table([words(f"col.{column}") for column in columns], rows, whole=(0,))
    return OK


def remove(
    settings: Settings, user: str, factor: str, tenant: str, by: str, why: str, ticket: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Remove a factor. It is told as an action of staff: a running server has it journaled within a
    second, otherwise the next one does. Raises a refusal."""
    from kanhe.app.stepping_up.enrolling import Proof, no_such_factor

    by = by or getpass.getuser()
    step_ups = StepUps(settings, now_ms)
    try:
        if not step_ups.is_used:
            raise no_such_factor()
        proof = Proof(statement=why, staff=by, ticket=ticket)
        step_ups.enrolling.remove(tenant, user, factor, proof)
    finally:
        step_ups.close()
    if as_json:
        print_json({"removed": factor, "by": by})
    else:
        say(words("buyers.removed", id=factor, by=by))
    return OK


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d") if at_ms else "–"
