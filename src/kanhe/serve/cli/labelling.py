"""`kanhe label`: what turned out to be true of one event, and of all of them."""

from __future__ import annotations

from typing import Any

import msgspec

from kanhe.app import open_journal
from kanhe.core.decision import decision_id
from kanhe.core.settings import Settings
from kanhe.learn.labels import Labelled, LabelSummary, find_labelled, summarise
from kanhe.record.journal.ports import DECIDED
from kanhe.record.labels import Claim
from kanhe.replay import day_end_of
from kanhe.serve.cli.serving import now_ms
from kanhe.serve.cli.terminal import (
    OK,
    REFUSED,
    complain,
    print_json,
    print_table,
    rows_bar,
    say,
    shown_time,
)
from kanhe.serve.cli.wording import words


def show(settings: Settings, event_id: str, tenant: str, as_of: str, as_json: bool) -> int:
    """All that was claimed about one event, and what holds. Returns 1 if there is no such event."""
    as_of_ms = _as_of(as_of)
    found = None
    with open_journal(settings) as journal, rows_bar(words("label.progress")) as progress:
        if journal is not None:
            found = find_labelled(journal, tenant, event_id, progress)
    if found is None:
        return complain(words("label.no_event", event=event_id, tenant=tenant), REFUSED)
    if as_json:
        print_json(_plain(found, as_of_ms))
    else:
        _show(found, as_of_ms)
    return OK


def summary(settings: Settings, tenant: str | None, as_of: str, as_json: bool) -> int:
    """What is known of all events."""
    found = LabelSummary(as_of_ms=_as_of(as_of))
    with open_journal(settings) as journal, rows_bar(words("label.progress")) as progress:
        if journal is not None:
            found = summarise(journal, found.as_of_ms, tenant, progress)
    if as_json:
        print_json(found)
    else:
        _show_summary(found)
    return OK


def _as_of(text: str) -> int:
    return day_end_of(text, "--as-of") if text else now_ms()


def _show(found: Labelled, as_of_ms: int) -> None:
    row, about = found.row, found.about
    holds = about.holding(as_of_ms)
    outcome = words(f"outcome.{found.outcome}") if found.outcome else words("label.recorded")
    say(words("label.event", event=row.event_id, type=row.type, at=shown_time(row.at_ms),
              received=shown_time(row.received_ms), outcome=outcome))  # fmt: skip
    if holds is None:
        key = "label.not_yet" if about.claims else "label.none"
        say(words(key, as_of=shown_time(as_of_ms)))
    else:
        say(words("label.holds", as_of=shown_time(as_of_ms), verdict=words(f"verdict.{holds.verdict}"),
                  authority=words(f"authority.{holds.authority}"), claim=holds.event_id))  # fmt: skip
    if about.claims or about.refused:
        columns = [words(f"col.{c}") for c in ("known_since", "established", "verdict", "authority",
                                               "source", "author", "claim", "state")]  # fmt: skip
        rows = [_claim_row(claim, _state(claim, holds, as_of_ms)) for claim in about.claims]
        rows += [_claim_row(claim, "refused") for claim in about.refused]
        print_table(columns, rows, title=words("label.history"), whole=(0, 1, 6))


def _state(claim: Claim, holds: Claim | None, as_of_ms: int) -> str:
    if claim == holds:
        return "holds"
    if claim.received_ms > as_of_ms:
        return "not_known"
    assert holds is not None, "something known holds"
    return "earlier" if claim.authority == holds.authority else "weaker"


def _claim_row(claim: Claim, state: str) -> tuple[object, ...]:
    return (
        shown_time(claim.received_ms),
        shown_time(claim.at_ms),
        words(f"verdict.{claim.verdict}"),
        words(f"authority.{claim.authority}"),
        claim.source or "—",
        claim.by or "—",
        f"{claim.type} {claim.event_id}",
        words(f"claim.{state}"),
    )


def _plain(found: Labelled, as_of_ms: int) -> dict[str, Any]:
    """For programs."""
    row, about = found.row, found.about
    holds = about.holding(as_of_ms)
    return {
        "event_id": row.event_id, "tenant": row.tenant, "type": row.type, "seq": row.seq,
        "at_ms": row.at_ms, "received_ms": row.received_ms,
        "decision_id": decision_id(row.seq) if row.kind == DECIDED else "",
        "outcome": found.outcome, "as_of_ms": as_of_ms,
        "verdict": holds.verdict if holds else None,
        "claims": [
            _plain_claim(claim, _state(claim, holds, as_of_ms)) for claim in about.claims
        ] + [_plain_claim(claim, "refused") for claim in about.refused],
    }  # fmt: skip


def _plain_claim(claim: Claim, state: str) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(claim._asdict())
    plain["subject"] = {k: v for k, v in claim.subject._asdict().items() if v}
    return {**plain, "state": state}


def _show_summary(found: LabelSummary) -> None:
    if not found.rows:
        say(words("label.nothing"))
        return
    say(words("label.labelled", labelled=found.labelled, events=found.rows, claims=found.claims,
              as_of=shown_time(found.as_of_ms)))  # fmt: skip
    if found.labelled:
        columns = [words("col.verdict"), words("col.events")]
        rows: list[tuple[object, ...]] = [
            (words(f"verdict.{verdict}"), count) for verdict, count in found.verdicts.items()
        ]
        print_table(columns, rows, right=(1,))
        columns = [words("col.authority"), words("col.events")]
        rows = [(words(f"authority.{name}"), count) for name, count in found.authorities.items()]
        print_table(columns, rows, right=(1,))
    if found.delay_days:
        say(words("label.delay", **{f"q{q[2:]}": f"{d:.1f}" for q, d in found.delay_days.items()}))
    if found.contradicted:
        say(words("label.contradicted", count=found.contradicted, overruled=found.overruled))
    for key in ("before_event", "no_such_event"):
        if count := getattr(found, key):
            examples = ", ".join(getattr(found, f"{key}_examples"))
            say(words(f"label.{key}", count=count, examples=examples))
    for key in ("unaddressed", "silent", "unreadable"):
        if count := getattr(found, key):
            say(words(f"label.{key}", count=count))
